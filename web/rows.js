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

// All rows of one that ends by itself, within bounds: {rows, cut}, where cut says what was reached: '' for nothing.
// With pauseMsMax it also ends, as cut, when after a row none comes for so long.
export async function fetchRows(sql, {rowsMax, charsMax, msMax, pauseMsMax, signal}) {
  const end = new AbortController();
  const rows = [];
  let chars = 0, cut = '';
  const stop = (why) => {
    cut = cut || why;
    end.abort();
  };
  const timer = setTimeout(() => stop(`${msMax / 1000} s`), msMax);
  let pause;
  const leave = () => end.abort();
  signal.addEventListener('abort', leave);
  try {
    await streamRows({sql, rows_max: rowsMax}, end.signal, (said) => {
      if (!said.row || cut !== '') return;
      rows.push(said.row);
      clearTimeout(pause);
      if (pauseMsMax) pause = setTimeout(() => stop(`no message for ${pauseMsMax / 1000} s`), pauseMsMax);
      chars += JSON.stringify(said.row).length;
      if (chars > charsMax) stop(`${charsMax / 1e6} MB`);
    });
  } catch (error) {
    if (!end.signal.aborted || signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    clearTimeout(pause);
    signal.removeEventListener('abort', leave);
  }
  return {rows, cut: cut || (rows.length >= rowsMax ? `${rowsMax} rows` : '')};
}
