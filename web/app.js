// The page of `slipstream serve`: everything it shows comes from /api/v1.
'use strict';

const POLL_MS = 1000;
const ROWS_SHOWN_MAX = 500;

let token = sessionStorage.getItem('token') || '';
let chosen = null;    // name of the job that is shown
let previous = null;  // its detail one poll ago: rates are differences
let query = null;     // {abort} while one runs

// ---- elements ----

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'onclick')
      element.addEventListener('click', value);
    else if (value === true)
      element.setAttribute(key, '');
    else if (value !== false && value !== null)
      element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// A header with '#' is one of numbers; the last column takes the room that is left.
function table(headers, rows, nothing) {
  if (rows.length === 0) return make('p', {'class': 'quiet'}, nothing);
  const classOf = (header, index) => header.startsWith('#') ? 'number' : index + 1 < headers.length ? 'fixed' : 'last';
  const classes = headers.map(classOf);
  const cell = (tag, content, index) => make(tag, {'class': classes[index]}, content);
  return make(
      'div', {'class': 'scroll'},
      make(
          'table', {},
          make('thead', {}, make('tr', {}, ...headers.map((header, i) => cell('th', header.replace('#', ''), i)))),
          make('tbody', {}, ...rows.map((row) => make('tr', {}, ...row.map((content, i) => cell('td', content, i)))))));
}

function section(title, id, ...children) {
  return make('section', {id}, make('h3', {}, title), ...children);
}

// ---- numbers ----

function count(number) {
  if (number < 10_000) return number < 10 && !Number.isInteger(number) ? number.toFixed(1) : String(Math.round(number));
  const units = [['G', 1e9], ['M', 1e6], ['k', 1e3]];
  const [unit, size] = units.find(([, each]) => number >= each);
  return `${(number / size).toFixed(number / size < 100 ? 1 : 0)} ${unit}`;
}

function bytes(number) {
  if (number < 1024) return `${number} B`;
  const units = [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]];
  const [unit, size] = units.find(([, each]) => number >= each);
  return `${(number / size).toFixed(1)} ${unit}`;
}

function time(ms) {
  return ms === null ? '–' : new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
}

// ---- server ----

async function call(method, path, body) {
  const headers = body === undefined ? {} : {'Content-Type': 'application/json'};
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, {method, headers, body: body === undefined ? undefined : JSON.stringify(body)});
  if (response.status === 401) askForToken();
  if (response.status === 204) return null;
  const answer = await response.json();
  if (!response.ok) throw answer.error;
  return answer;
}

function errorText(error) {
  if (!error.diagnostics || error.diagnostics.length === 0)
    return (error.message || String(error)) + (error.fix ? `\nfix: ${error.fix}` : '');
  return error.diagnostics.map((each) => each.text).join('\n');
}

function askForToken() {
  const dialog = document.getElementById('login');
  if (dialog.open) return;
  dialog.showModal();
  dialog.onclose = () => {
    token = document.getElementById('token').value.trim();
    sessionStorage.setItem('token', token);
    poll();
  };
}

// ---- list of jobs ----

function showJobs(jobs) {
  const items = jobs.map(
      (job) => make(
          'li', {},
          make(
              'a', {href: `#/jobs/${job.name}`, 'class': job.name === chosen ? 'chosen' : false},
              make('span', {'class': job.state}, make('span', {'class': 'dot'})), job.name,
              make('small', {}, `${job.state} · ${count(job.rows_read)} rows`))));
  if (items.length === 0) items.push(make('li', {'class': 'quiet'}, 'none yet'));
  document.getElementById('jobs').replaceChildren(...items);
}

function showStatus(status) {
  document.getElementById('status').textContent =
      `${status.version} · ${status.running_jobs} of ${status.jobs} jobs run · ` +
      `memory ${bytes(status.memory_used_bytes)} of ${bytes(status.memory_limit_bytes)} · up ${
          duration(status.uptime_ms)}`;
}

// ---- one job ----

function sum(tasks, field) {
  return tasks.reduce((total, task) => total + task[field], 0);
}

// Least of all tasks that have one.
function leastWatermark(tasks) {
  const all = tasks.map((task) => task.watermark_ms).filter((each) => each !== null);
  return all.length === 0 ? null : Math.min(...all);
}

function factsOf(detail, before, seconds) {
  const rate = (now, then) =>
      then === undefined || seconds === 0 ? '–' : `${count(Math.max(0, now - then) / seconds)}/s`;
  const vertices = detail.vertices.map((vertex, index) => {
    const then = before ? before.vertices[index].tasks : [];
    const share = (field) => {
      const spent = sum(vertex.tasks, field) - sum(then, field);
      const whole = ['busy_ms', 'idle_ms', 'backpressured_ms'].reduce(
          (all, each) => all + sum(vertex.tasks, each) - sum(then, each), 0);
      return whole > 0 ? Math.min(1, Math.max(0, spent / whole)) : 0;
    };
    return {
      in : rate(sum(vertex.tasks, 'rows_in'), before ? sum(then, 'rows_in') : undefined),
      out: rate(sum(vertex.tasks, 'rows_out'), before ? sum(then, 'rows_out') : undefined),
      watermark: time(leastWatermark(vertex.tasks)),
      busy: share('busy_ms'),
      back: share('backpressured_ms'),
    };
  });
  const edges =
      detail.edges.map((edge, index) => ({
                         rate: rate(edge.rows, before ? before.edges[index].rows : undefined),
                         fill: edge.queued_bytes_max > 0 ? Math.min(1, edge.queued_bytes / edge.queued_bytes_max) : 0,
                         watermark: edge.watermark_ms === null ? 'no watermark' : time(edge.watermark_ms).slice(11),
                       }));
  return {vertices, edges};
}

function legend() {
  const entry = (color, text) => make('span', {}, make('i', {style: `background: var(--${color})`}), text);
  return make(
      'div', {'class': 'legend'}, entry('busy', 'busy'), entry('back', 'back-pressured: waits for the next'),
      entry('idle', 'idle'), make('span', {}, 'times are UTC'));
}

async function act(job, action) {
  const problem = document.getElementById('problem');
  problem.textContent = '';
  try {
    if (action === 'remove') {
      await call('DELETE', `/api/v1/jobs/${job}`);
      location.hash = '#/';
    } else {
      const answer = await call('POST', `/api/v1/jobs/${job}/${action}`);
      if (action === 'savepoint')
        document.getElementById('done').textContent = `savepoint ${answer.id}: ${answer.path}`;
    }
  } catch (error) {
    problem.textContent = errorText(error);
  }
  poll();
}

// The frame of a job's page; its parts are filled by every poll.
function jobFrame(name) {
  const parts = ['head', 'graph', 'splits', 'checkpoints', 'failures', 'events', 'script'].map(
      (id) => make('div', {id: `part-${id}`}));
  const [head, graph, splits, checkpoints, failures, events, script] = parts;
  const button = (action, label) => make('button', {id: action, onclick: () => act(name, action)}, label);
  return [
    make(
        'section', {},
        make(
            'div', {'class': 'head'}, make('h2', {}, name), make('span', {id: 'state'}),
            make(
                'div', {'class': 'buttons'}, button('stop', 'Stop'), button('cancel', 'Cancel'),
                button('savepoint', 'Savepoint'), button('restart', 'Restart'), button('remove', 'Remove'))),
        head, make('p', {id: 'problem', 'class': 'error'}), make('p', {id: 'done', 'class': 'quiet'})),
    section('Graph', 'graph', graph, legend()),
    make(
        'div', {'class': 'two'}, section('Lag', 'splits', splits),
        section('Checkpoints', 'checkpoints', checkpoints)),
    make('div', {'class': 'two'}, section('Exceptions', 'failures', failures), section('Events', 'events', events)),
    section('Script', 'script', script),
  ];
}

function fill(id, ...children) {
  document.getElementById(`part-${id}`).replaceChildren(...children);
}

function showJob(detail) {
  const runs = !['finished', 'stopped', 'cancelled', 'failed'].includes(detail.state);
  const seconds = previous ? (detail.seen_ms - previous.seen_ms) / 1000 : 0;
  const sameRun = previous && previous.name === detail.name && previous.started_ms === detail.started_ms &&
      previous.restarts === detail.restarts && previous.edges.length === detail.edges.length &&
      previous.vertices.length === detail.vertices.length;
  const facts = factsOf(detail, sameRun ? previous : null, seconds);
  const state = document.getElementById('state');
  state.className = `state ${detail.state}`;
  state.textContent = detail.state;
  for (const id of ['stop', 'cancel', 'savepoint'])
    document.getElementById(id).disabled = !runs || detail.state === 'stopping';
  document.getElementById('remove').disabled = runs;
  document.getElementById('restart').disabled = detail.state === 'stopping';
  const fact = (name, value) => make('span', {}, `${name} `, make('b', {}, value));
  fill(
      'head',
      make(
          'div', {'class': 'facts'}, fact('started', time(detail.started_ms)),
          detail.ended_ms ? fact('ended', time(detail.ended_ms)) : null, fact('rows read', count(detail.rows_read)),
          fact('written', count(detail.rows_written)), fact('checkpoints', String(detail.completed_checkpoints)),
          fact('restarts', String(detail.restarts)), fact('directory', detail.checkpoint_dir)),
      detail.error ? make('p', {'class': 'error', id: 'error'}, detail.error) : '');
  fill(
      'graph',
      detail.vertices.length > 0 ? Graph.draw(detail, facts) :
                                   make('p', {'class': 'quiet'}, 'it was not run since the server is up'));
  const lag = detail.splits.reduce((total, split) => total + split.lag, 0);
  const known = (position) => position === undefined ? '' : count(position);
  fill(
      'splits',
      table(
          ['split', '#position', '#end', '#lag'],
          detail.splits.map((split) => [split.split, known(split.position), known(split.end), count(split.lag)]),
          'it reads nothing that has an end'),
      detail.splits.length > 0 ? make('p', {'class': 'quiet', id: 'lag'}, `${count(lag)} behind in all`) : '');
  fill(
      'checkpoints',
      table(
          ['#id', 'kind', 'begun', '#took', '#state', '#written', '#unpublished', ''],
          detail.checkpoints.map(
              (each) =>
                  [String(each.id),
                   each.kind,
                   time(each.begun_ms).slice(11),
                   `${count(each.duration_ms)} ms`,
                   bytes(each.state_bytes),
                   bytes(each.written_bytes),
                   bytes(each.epoch_bytes),
                   each.completed ? '' : each.why,
  ]),
          'none yet'));
  fill(
      'failures',
      table(['time', 'what'], detail.failures.map((each) => [time(each.at_ms).slice(11), each.what]), 'none'));
  fill('events', table(['time', 'what'], detail.events.map((each) => [time(each.at_ms).slice(11), each.text]), 'none'));
  if (document.getElementById('part-script').childElementCount === 0)
    fill('script', make('pre', {}, detail.sql.trim()));
}

// ---- query and new job ----

function choice(jobs) {
  return make(
      'select', {id: 'tables-of'}, make('option', {value: ''}, 'no job'),
      ...jobs.map((job) => make('option', {value: job.name}, job.name)));
}

async function queryPage() {
  const jobs = (await call('GET', '/api/v1/jobs')).jobs;
  const text = make('textarea', {id: 'sql', spellcheck: 'false', placeholder: 'SELECT ...'});
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.ctrlKey) startQuery();
  });
  return [
    section(
        'Query', 'query', text,
        make(
            'div', {'class': 'row'}, make('button', {id: 'run', 'class': 'main', onclick: startQuery}, 'Run'),
            make('button', {id: 'end', disabled: true, onclick: endQuery}, 'End'),
            make('span', {'class': 'quiet'}, 'with the tables of'), choice(jobs),
            make('span', {'class': 'quiet', id: 'progress'})),
        make('p', {id: 'problem', 'class': 'error'})),
    section('Rows', 'rows', make('div', {id: 'result', 'class': 'scroll'})),
  ];
}

function endQuery() {
  if (query) query.abort();
}

async function startQuery() {
  endQuery();
  const mine = query = new AbortController();
  const problem = document.getElementById('problem'), progress = document.getElementById('progress');
  const buttons = (running) => {
    document.getElementById('run').disabled = running;
    document.getElementById('end').disabled = !running;
  };
  problem.textContent = progress.textContent = '';
  document.getElementById('result').replaceChildren();
  buttons(true);
  let ending = 'ended';
  try {
    await streamRows(mine, progress);
  } catch (error) {
    if (mine.signal.aborted)
      ending = 'ended by you';
    else
      problem.textContent = errorText(error);
  }
  if (query !== mine || !progress.isConnected) return;
  query = null;
  buttons(false);
  if (problem.textContent === '') progress.textContent += ` · ${ending}`;
}

async function streamRows(mine, progress) {
  const body = {sql: document.getElementById('sql').value};
  const job = document.getElementById('tables-of').value;
  if (job) body.job = job;
  const headers = {'Content-Type': 'application/json'};
  if (token) headers.Authorization = `Bearer ${token}`;
  const response =
      await fetch('/api/v1/queries', {method: 'POST', headers, body: JSON.stringify(body), signal: mine.signal});
  if (!response.ok) throw (await response.json()).error;
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
    document.getElementById('result').replaceChildren(
        make('table', {}, make('thead', {}, make('tr', {}, ...heads)), view.body));
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

function newJobPage() {
  const submit = async () => {
    const problem = document.getElementById('problem');
    problem.textContent = '';
    try {
      const body = {name: document.getElementById('name').value.trim(), sql: document.getElementById('sql').value};
      const job = await call('POST', '/api/v1/jobs', body);
      location.hash = `#/jobs/${job.name}`;
    } catch (error) {
      problem.textContent = errorText(error);
    }
  };
  return [section(
      'New job', 'new', make('label', {'for': 'name'}, 'Name'), make('input', {id: 'name', autocomplete: 'off'}),
      make('label', {'for': 'sql'}, 'Script: tables, settings and INSERTs'),
      make('textarea', {id: 'sql', spellcheck: 'false'}),
      make('div', {'class': 'row'}, make('button', {id: 'submit', 'class': 'main', onclick: submit}, 'Submit')),
      make('p', {id: 'problem', 'class': 'error'}))];
}

// ---- pages ----

function homePage() {
  return [section(
      'Jobs', 'home',
      make('p', {'class': 'quiet'}, 'Choose a job on the left, submit a new one, or look at data with a query.'))];
}

async function route() {
  endQuery();
  const [, page, name] = location.hash.split('/');
  chosen = page === 'jobs' && name ? decodeURIComponent(name) : null;
  previous = null;
  const main = document.getElementById('main');
  try {
    if (chosen)
      main.replaceChildren(...jobFrame(chosen));
    else if (page === 'query')
      main.replaceChildren(...await queryPage());
    else
      main.replaceChildren(...(page === 'new' ? newJobPage() : homePage()));
  } catch (error) {
    main.replaceChildren(make('section', {}, make('p', {'class': 'error'}, errorText(error))));
  }
  poll();
}

let polling = false;
async function poll() {
  if (polling) return;
  polling = true;
  try {
    const [status, list] = await Promise.all([call('GET', '/api/v1/status'), call('GET', '/api/v1/jobs')]);
    showStatus(status);
    showJobs(list.jobs);
    const name = chosen;
    if (name !== null && list.jobs.some((job) => job.name === name)) {
      const detail = await call('GET', `/api/v1/jobs/${encodeURIComponent(name)}`);
      detail.seen_ms = performance.now();
      if (name === chosen) {
        showJob(detail);
        previous = detail;
      }
    }
  } catch (error) {
    document.getElementById('status').textContent = error.message || String(error);
  }
  polling = false;
}

window.addEventListener('hashchange', route);
setInterval(poll, POLL_MS);
route();
