// The pages with an editor: queries, and new jobs.
import {call, errorText} from './api.js';
import {byId, byNature, count, make, section} from './dom.js';
import {editor, goTo} from './editor.js';
import {streamRows} from './rows.js';

const ROWS_SHOWN_MAX = 500;

// ---- what both have ----

// Its text survives a reload of the page, in this tab only: it may hold secrets.
function keptText(element, key) {
  element.value = sessionStorage.getItem(key) || '';
  element.addEventListener('input', () => sessionStorage.setItem(key, element.value));
  return element;
}

// An editor with what is wrong below it.
class Script {
  constructor(key, placeholder) {
    this.editor = editor(placeholder);
    this.text = keptText(this.editor.text, key);
    this.editor.draw();
    this.problem = make('div', {id: 'problem', 'class': 'error'});
    this.progress = make('span', {'class': 'quiet', id: 'progress'});
  }

  get sql() {
    return this.text.value;
  }

  clear() {
    this.problem.replaceChildren();
    this.progress.textContent = '';
    this.editor.mark([]);
  }

  // Errors with a place are marked there; a click leads to it.
  showProblem(error) {
    const diagnostics = error.diagnostics || [];
    this.editor.mark(diagnostics);
    const lead = (each) => make('button', {'class': 'lead', onclick: () => goTo(this.text, each)}, each.text.trimEnd());
    this.problem.replaceChildren(...(diagnostics.length > 0 ? diagnostics.map(lead) : [errorText(error)]));
  }

  // All errors of the script at once; nothing is started.
  async check(job) {
    this.clear();
    try {
      const body = {sql: this.sql};
      if (job) body.job = job;
      const {diagnostics} = await call('POST', '/api/v1/check', body);
      if (diagnostics.length > 0) this.showProblem({diagnostics});
      else this.progress.textContent = 'no errors';
    } catch (error) {
      this.showProblem(error);
    }
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
  const script = new Script('query', 'SELECT ...');
  const {progress} = script;
  const start = async () => {
    end();
    const mine = running = new AbortController();
    script.clear();
    byId('result').replaceChildren();
    byId('run').disabled = true;
    byId('end').disabled = false;
    let ending = 'ended';
    try {
      await showRows(script.sql, mine.signal, progress);
    } catch (error) {
      if (!progress.isConnected) return;
      ending = mine.signal.aborted ? 'ended by you' : '';
      if (!mine.signal.aborted) script.showProblem(error);
    }
    if (running !== mine || !progress.isConnected) return;
    running = null;
    byId('run').disabled = false;
    byId('end').disabled = true;
    if (ending !== '') progress.textContent += ` · ${ending}`;
  };
  script.text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.ctrlKey) start();
  });
  const jobs = (await call('GET', '/api/v1/jobs')).jobs;
  return {
    title: () => 'Query',
    leave: end,
    elements: [
      section(
          'Query', 'query', script.editor.element,
          make(
              'div', {'class': 'row'}, make('button', {id: 'run', 'class': 'main', onclick: start}, 'Run'),
              make('button', {id: 'end', disabled: true, onclick: end}, 'End'),
              make('button', {id: 'check', onclick: () => script.check(byId('tables-of').value)}, 'Check'),
              make('label', {'class': 'quiet', 'for': 'tables-of'}, 'with the tables of'), choice(jobs), progress),
          script.problem),
      section('Rows', 'rows', make('div', {id: 'result', 'class': 'scroll'})),
    ],
  };
}

async function showRows(sql, signal, progress) {
  const body = {sql};
  const job = byId('tables-of').value;
  if (job) body.job = job;
  const view = {names: [], body: make('tbody'), rows: 0};
  const showCount = () => {
    progress.textContent =
        `${count(view.rows)} rows` + (view.rows > ROWS_SHOWN_MAX ? `, the last ${ROWS_SHOWN_MAX} are shown` : '');
  };
  await streamRows(body, signal, (line) => takeLine(line, view), showCount);
}

function takeLine(line, view) {
  if (line.columns) {
    view.names = (line.updating ? ['op'] : []).concat(line.columns.map((column) => column.name));
    const heads = view.names.map((name) => make('th', {}, name));
    byId('result').replaceChildren(make('table', {}, make('thead', {}, make('tr', {}, ...heads)), view.body));
  } else {
    ++view.rows;
    const cells = view.names.map((name) => {
      const value = line.row[name];
      const text = value === null ? 'NULL' : typeof value === 'object' ? JSON.stringify(value) : String(value);
      return make('td', {'class': value === null ? 'quiet' : false}, text);
    });
    view.body.prepend(make('tr', {}, ...cells));
    if (view.rows > ROWS_SHOWN_MAX) view.body.lastChild.remove();
  }
}

// ---- new job ----

export function newJobPage() {
  const script = new Script('new-script', 'CREATE TABLE ...; INSERT INTO ...');
  const submit = async () => {
    script.clear();
    try {
      const body = {name: byId('name').value.trim(), sql: script.sql};
      const job = await call('POST', '/api/v1/jobs', body);
      for (const key of ['new-name', 'new-script']) sessionStorage.removeItem(key);
      location.hash = `#/jobs/${encodeURIComponent(job.name)}`;
    } catch (error) {
      script.showProblem(error);
    }
  };
  return {
    title: () => 'New job',
    elements: [section(
        'New job', 'new', make('label', {'for': 'name'}, 'Name'),
        keptText(make('input', {id: 'name', autocomplete: 'off'}), 'new-name'),
        make('label', {'for': 'sql'}, 'Script: tables, settings and INSERTs'),
        script.editor.element,
        make(
            'div', {'class': 'row'}, make('button', {id: 'submit', 'class': 'main', onclick: submit}, 'Submit'),
            make('button', {id: 'check', onclick: () => script.check('')}, 'Check'), script.progress),
        script.problem)],
  };
}
