// Rows of a SELECT as the server streams them, one JSON object per line.
import {send} from './api.js';

// Calls take({columns, updating}) once, then take({row}) for each row; returns when the query has ended. Throws what it
// ended with, and AbortError when `signal` says so. afterLines() is called after each part of the answer.
export async function streamRows(body, signal, take, afterLines = () => {}) {
  const response = await send('POST', '/api/v1/queries', body, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  while (true) {
    const {done, value} = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') continue;
      const said = JSON.parse(line);
      if (said.end && said.end.error) throw {message: said.end.error};
      if (!said.end) take(said);
    }
    afterLines();
  }
}
