// The server's REST interface.
import {byId} from './dom.js';

let token = sessionStorage.getItem('token') || '';
let onToken = () => {};

export function whenTokenIsGiven(action) {
  onToken = action;
}

// The answer whose body is to be read; throws what the server says of an error, with its status.
export async function send(method, path, body, signal) {
  const headers = body === undefined ? {} : {'Content-Type': 'application/json'};
  if (token) headers.Authorization = `Bearer ${token}`;
  const response =
      await fetch(path, {method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body)});
  if (response.status === 401) askForToken();
  if (!response.ok) throw {...(await response.json()).error, status: response.status};
  return response;
}

export async function call(method, path, body) {
  const response = await send(method, path, body);
  return response.status === 204 ? null : response.json();
}

export function jobPath(name) {
  return `/api/v1/jobs/${encodeURIComponent(name)}`;
}

export function errorText(error) {
  if (!error.diagnostics || error.diagnostics.length === 0)
    return (error.message || String(error)) + (error.fix ? `\nfix: ${error.fix}` : '');
  return error.diagnostics.map((each) => each.text).join('\n');
}

function askForToken() {
  const dialog = byId('login');
  if (dialog.open) return;
  dialog.showModal();
  dialog.onclose = () => {
    token = byId('token').value.trim();
    sessionStorage.setItem('token', token);
    onToken();
  };
}
