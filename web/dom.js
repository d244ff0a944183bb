// Elements, numbers and times as the page writes them. Text goes in as text, never as HTML.

export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function node(tag, attributes = {}, ...children) {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

export function section(title, id, ...children) {
  return make('section', {id}, make('h3', {}, title), ...children);
}

// A header with '#' is one of numbers; the last column takes the room that is left.
export function table(headers, rows, nothing) {
  if (rows.length === 0) return make('p', {'class': 'quiet'}, nothing);
  const classes = headers.map(
      (header, index) => header.startsWith('#') ? 'number' : index + 1 < headers.length ? 'fixed' : 'last');
  const cells = (tag, contents) => contents.map((content, i) => make(tag, {'class': classes[i]}, content));
  const head = make('tr', {}, ...cells('th', headers.map((header) => header.replace('#', ''))));
  const body = rows.map((row) => make('tr', {}, ...cells('td', row)));
  return make('div', {'class': 'scroll'}, make('table', {}, make('thead', {}, head), make('tbody', {}, ...body)));
}

// Sets what is shown only when it is another one, so that what a person has selected stays.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// ---- numbers ----

export function count(number) {
  if (number < 10_000) return number < 10 && !Number.isInteger(number) ? number.toFixed(1) : String(Math.round(number));
  const units = [['G', 1e9], ['M', 1e6], ['k', 1e3]];
  const [unit, size] = units.find(([, each]) => number >= each);
  return `${(number / size).toFixed(number / size < 100 ? 1 : 0)} ${unit}`;
}

export function bytes(number) {
  if (number < 1024) return `${Math.round(number)} B`;
  const units = [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]];
  const [unit, size] = units.find(([, each]) => number >= each);
  return `${(number / size).toFixed(1)} ${unit}`;
}

export function percent(share) {
  return `${Math.round(100 * share)} %`;
}

export function rate(perSecond) {
  return perSecond === null ? '–' : `${count(perSecond)}/s`;
}

export function time(ms) {
  return ms === null ? '–' : new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

export function clock(ms) {
  return time(ms).slice(11);
}

export function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

export function sum(list, field) {
  return list.reduce((total, each) => total + each[field], 0);
}

// job-2 before job-10.
export const byNature = new Intl.Collator('en', {numeric: true}).compare;

// ---- questions ----

// Whether a person said yes to it.
export function ask(question, consequence, yes) {
  const dialog = byId('question');
  byId('question-text').textContent = question;
  byId('question-consequence').textContent = consequence;
  byId('yes').textContent = yes;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === 'yes');
  });
}
