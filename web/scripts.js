// The pages with an editor: queries, and new jobs.
import {call, errorText, send} from './api.js';
import {byId, byNature, count, make, section} from './dom.js';

const ROWS_SHOWN_MAX = 500;

// ---- what both have ----

// Its text survives a reload of the page, in this tab only: it may hold secrets.
function keptText(element, key) {
  element.value = sessionStorage.getItem(key) || '';
  element.addEventListener('input', () => sessionStorage.setItem(key, element.value));
  return element;
}

function script(key, placeholder) {
  return keptText(make('textarea', {id: 'sql', spellcheck: 'false', placeholder}), key);
}

function showProblem(error) {
  byId('problem').textContent = errorText(error);
}

// All errors of the script at once; nothing is started.
async function check(job) {
  byId('problem').textContent = byId('progress').textContent = '';
  try {
    const body = {sql: byId('sql').value};
    if (job) body.job = job;
    const {diagnostics} = await call('POST', '/api/v1/check', body);
    if (diagnostics.length > 0) showProblem({diagnostics});
    else byId('progress').textContent = 'no errors';
  } catch (error) {
    showProblem(error);
  }
}

// ---- query ----

function choice(jobs) {
  const names = jobs.map((job) => job.name).sort(byNature);
  const select = make(
      'select', {id: 'tables-of'}, make('option', {value: ''}, 'no job'),
      ...names.map((name) => make('option', {value: name}, name)));
  const kept = sessionStorage.getItem('query-job');
  if (names.includes(kept)) select.value = kept;
  select.addEventListener('change', () => sessionStorage.setItem('query-job', select.value));
  return select;
}

export async function queryPage() {
  let running = null;  // AbortController of the query
  const end = () => running && running.abort();
  const start = async () => {
    end();
    const mine = running = new AbortController();
    const progress = byId('progress');
    byId('problem').textContent = progress.textContent = '';
    byId('result').replaceChildren();
    byId('run').disabled = true;
    byId('end').disabled = false;
    let ending = 'ended';
    try {
      await streamRows(mine.signal, progress);
    } catch (error) {
      if (!progress.isConnected) return;
      ending = mine.signal.aborted ? 'ended by you' : '';
      if (!mine.signal.aborted) showProblem(error);
    }
    if (running !== mine || !progress.isConnected) return;
    running = null;
    byId('run').disabled = false;
    byId('end').disabled = true;
    if (ending !== '') progress.textContent += ` · ${ending}`;
  };
  const text = script('query', 'SELECT ...');
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.ctrlKey) start();
  });
  const jobs = (await call('GET', '/api/v1/jobs')).jobs;
  return {
    title: () => 'Query',
    leave: end,
    elements: [
      section(
          'Query', 'query', text,
          make(
              'div', {'class': 'row'}, make('button', {id: 'run', 'class': 'main', onclick: start}, 'Run'),
              make('button', {id: 'end', disabled: true, onclick: end}, 'End'),
              make('button', {id: 'check', onclick: () => check(byId('tables-of').value)}, 'Check'),
              make('label', {'class': 'quiet', 'for': 'tables-of'}, 'with the tables of'), choice(jobs),
              make('span', {'class': 'quiet', id: 'progress'})),
          make('p', {id: 'problem', 'class': 'error'})),
      section('Rows', 'rows', make('div', {id: 'result', 'class': 'scroll'})),
    ],
  };
}

async function streamRows(signal, progress) {
  const body = {sql: byId('sql').value};
  const job = byId('tables-of').value;
  if (job) body.job = job;
  const response = await send('POST', '/api/v1/queries', body, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const view = {names: [], body: make('tbody'), rows: 0};
  let rest = '';
  while (true) {
    const {done, value} = await reader.read();
    if (done) break;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line !== '') takeLine(JSON.parse(line), view);
    }
    progress.textContent =
        `${count(view.rows)} rows` + (view.rows > ROWS_SHOWN_MAX ? `, the last ${ROWS_SHOWN_MAX} are shown` : '');
  }
}

function takeLine(line, view) {
  if (line.columns) {
    view.names = (line.updating ? ['op'] : []).concat(line.columns.map((column) => column.name));
    const heads = view.names.map((name) => make('th', {}, name));
    byId('result').replaceChildren(make('table', {}, make('thead', {}, make('tr', {}, ...heads)), view.body));
  } else if (line.row) {
    ++view.rows;
    const cells = view.names.map((name) => {
      const value = line.row[name];
      const text = value === null ? 'NULL' : typeof value === 'object' ? JSON.stringify(value) : String(value);
      return make('td', {'class': value === null ? 'quiet' : false}, text);
    });
    view.body.prepend(make('tr', {}, ...cells));
    if (view.rows > ROWS_SHOWN_MAX) view.body.lastChild.remove();
  } else if (line.end && line.end.error) {
    throw {message: line.end.error};
  }
}

// ---- new job ----

export function newJobPage() {
  const submit = async () => {
    byId('problem').textContent = byId('progress').textContent = '';
    try {
      const body = {name: byId('name').value.trim(), sql: byId('sql').value};
      const job = await call('POST', '/api/v1/jobs', body);
      for (const key of ['new-name', 'new-script']) sessionStorage.removeItem(key);
      location.hash = `#/jobs/${encodeURIComponent(job.name)}`;
    } catch (error) {
      showProblem(error);
    }
  };
  return {
    title: () => 'New job',
    elements: [section(
        'New job', 'new', make('label', {'for': 'name'}, 'Name'),
        keptText(make('input', {id: 'name', autocomplete: 'off'}), 'new-name'),
        make('label', {'for': 'sql'}, 'Script: tables, settings and INSERTs'),
        script('new-script', 'CREATE TABLE ...; INSERT INTO ...'),
        make(
            'div', {'class': 'row'}, make('button', {id: 'submit', 'class': 'main', onclick: submit}, 'Submit'),
            make('button', {id: 'check', onclick: () => check('')}, 'Check'),
            make('span', {'class': 'quiet', id: 'progress'})),
        make('p', {id: 'problem', 'class': 'error'}))],
  };
}
