// One job: what it does, its graph and operators, its last hour, its checkpoints and failures.
import {call, errorText, jobPath} from './api.js';
import {Charts, Series} from './charts.js';
import {ask, byId, bytes, clock, count, make, section, setText, sum, table, time} from './dom.js';
import {coloured} from './editor.js';
import {factsOf} from './facts.js';
import {Graph} from './graph.js';
import {operatorDetails} from './operator.js';

const ENDED = ['finished', 'stopped', 'cancelled', 'failed'];

const QUESTIONS = {
  cancel: {
    question: (name) => `Cancel job '${name}'?`,
    consequence: 'It ends without a savepoint. The next start goes on from its newest checkpoint, and does again ' +
        'what came after that.',
    yes: 'Cancel the job'
  },
  remove: {
    question: (name) => `Remove job '${name}'?`,
    consequence: 'The server forgets its script and what it said. Its checkpoints stay.',
    yes: 'Remove the job'
  },
};

// What comes of it is written to `problem` and `done` of its own page, which may have been left by then.
async function act(name, action, {problem, done}) {
  const asked = QUESTIONS[action];
  if (asked && !await ask(asked.question(name), asked.consequence, asked.yes)) return;
  problem.textContent = done.textContent = '';
  try {
    if (action === 'remove') {
      await call('DELETE', jobPath(name));
      if (problem.isConnected) location.hash = '#/';
      return;
    }
    const answer = await call('POST', `${jobPath(name)}/${action}`);
    if (action === 'savepoint') done.textContent = `savepoint ${answer.id}: ${answer.path}`;
  } catch (error) {
    problem.textContent = errorText(error);
  }
}

// ---- parts ----

function legend() {
  const entry = (color, text) => make('span', {}, make('i', {'class': `fill-${color}`}), text);
  return make(
      'div', {'class': 'legend'}, entry('busy', 'busy'), entry('back', 'back-pressured: waits for the next'),
      entry('idle', 'idle'), make('span', {}, 'times are UTC'));
}

function headOf(detail) {
  const fact = (name, value) => make('span', {}, `${name} `, make('b', {}, value));
  const facts = [
    fact('started', time(detail.started_ms)), detail.ended_ms ? fact('ended', time(detail.ended_ms)) : null,
    fact('rows read', count(detail.rows_read)), fact('written', count(detail.rows_written)),
    fact('checkpoints', String(detail.completed_checkpoints)), fact('restarts', String(detail.restarts)),
    fact('directory', detail.checkpoint_dir)
  ];
  return [
    make('div', {'class': 'facts'}, ...facts),
    detail.error ? make('p', {'class': 'error', id: 'error'}, detail.error) : ''
  ];
}

function splitsOf(detail) {
  const known = (position) => position === undefined ? '' : count(position);
  const rows =
      detail.splits.map((split) => [split.split, known(split.position), known(split.end), count(split.lag)]);
  return [
    table(['split', '#position', '#end', '#lag'], rows, 'it reads nothing that has an end'),
    rows.length > 0 ? make('p', {'class': 'quiet', id: 'lag'}, `${count(sum(detail.splits, 'lag'))} behind in all`) : ''
  ];
}

function checkpointsOf(detail) {
  const rows = detail.checkpoints.map(
      (each) =>
          [String(each.id), each.kind, clock(each.begun_ms), `${count(each.duration_ms)} ms`, bytes(each.state_bytes),
           bytes(each.written_bytes), bytes(each.epoch_bytes), each.completed ? '' : each.why]);
  return [table(['#id', 'kind', 'begun', '#took', '#state', '#written', '#unpublished', ''], rows, 'none yet')];
}

function happenedOf(list, field) {
  return [table(['time', 'what'], list.map((each) => [clock(each.at_ms), each[field]]), 'none')];
}

// Shows it only when it is not what is shown, so that what a person has selected stays.
function filler() {
  const shown = new Map();
  return (id, about, build) => {
    const key = JSON.stringify(about);
    if (shown.get(id) === key) return;
    shown.set(id, key);
    byId(`part-${id}`).replaceChildren(...build());
  };
}

// ---- the last hour ----

// Asks for the points that are new, as often as there are any.
function lastHour(name) {
  const series = new Series();
  const charts = new Charts();
  let next = 0;
  const poll = async () => {
    if (performance.now() < next) return;
    const added = await call('GET', `${jobPath(name)}/series?since_ms=${series.latest}`);
    next = performance.now() + added.interval_ms / 2;
    const isNew = added.at_ms.length > 0 || series.latest === 0;
    series.add(added);
    if (isNew) charts.show(series);
  };
  return {element: charts.element, poll, redraw: () => charts.show(series)};
}

// ---- the page ----

export function jobPage(name) {
  let previous = null;  // its detail one poll ago: rates are differences
  let state = '';
  let graph = null;
  let shape = '';  // of the graph that is drawn
  let latest = null;  // what the graph shows: the detail and its facts
  let chosen = null;  // index of the vertex whose details are shown
  const fill = filler();
  const hour = lastHour(name);

  const said = {problem: make('p', {id: 'problem', 'class': 'error'}), done: make('p', {id: 'done', 'class': 'quiet'})};
  const part = (id) => make('div', {id: `part-${id}`});
  const button = (action, label, kind) =>
      make('button', {id: action, 'class': kind || false, onclick: () => act(name, action, said)}, label);
  const buttons = make(
      'div', {'class': 'buttons'}, button('stop', 'Stop'), button('cancel', 'Cancel', 'danger'),
      button('savepoint', 'Savepoint'), button('restart', 'Restart'), button('remove', 'Remove', 'danger'));
  const operatorBody = make('div', {id: 'operator-details'});
  const frame = [
    make(
        'section', {id: 'job'},
        make('div', {'class': 'head'}, make('h2', {}, name), make('span', {id: 'state', 'class': 'state'}), buttons),
        part('head'), said.problem, said.done),
    section('Last hour', 'hour', hour.element),
    section('Graph', 'graph', part('graph'), legend()),
    make(
        'section', {id: 'operator', hidden: true},
        make(
            'div', {'class': 'head'}, make('h3', {}, 'Operator'),
            make('div', {'class': 'buttons'}, make('button', {id: 'close', onclick: () => choose(chosen)}, 'Close'))),
        operatorBody),
    make(
        'div', {'class': 'two'}, section('Lag', 'splits', part('splits')),
        section('Checkpoints', 'checkpoints', part('checkpoints'))),
    make(
        'div', {'class': 'two'}, section('Exceptions', 'failures', part('failures')),
        section('Events', 'events', part('events'))),
    section('Script', 'script', part('script')),
  ];
  const missing = make(
      'section', {id: 'missing', hidden: true}, make('h2', {}, `There is no job '${name}'`),
      make('p', {}, 'It was removed, or never submitted here. ', make('a', {href: '#/'}, 'All jobs')));

  function showButtons(runs) {
    for (const id of ['stop', 'cancel', 'savepoint']) byId(id).disabled = !runs || state === 'stopping';
    byId('remove').disabled = runs;
    byId('restart').disabled = state === 'stopping';
  }

  // A second click closes it.
  function choose(index) {
    chosen = chosen === index ? null : index;
    graph.choose(chosen);
    showOperator();
  }

  function showOperator() {
    byId('operator').hidden = chosen === null;
    if (chosen === null) return;
    const details = operatorDetails(latest.detail, latest.facts, chosen);
    operatorBody.replaceChildren(...details);
  }

  function showGraph(detail) {
    const facts = factsOf(detail, previous);
    latest = {detail, facts};
    const names = detail.vertices.map((each) => [each.name, each.parallelism]);
    const wanted = JSON.stringify([names, detail.edges.map((each) => [each.from, each.to])]);
    if (wanted !== shape) {
      shape = wanted;
      chosen = null;
      graph = detail.vertices.length > 0 ? new Graph(detail, choose) : null;
      const nothing = make('p', {'class': 'quiet'}, 'it was not run since the server is up');
      byId('part-graph').replaceChildren(graph ? graph.element : nothing);
    }
    if (graph) graph.show(detail, facts);
    showOperator();
  }

  function show(detail) {
    const runs = !ENDED.includes(detail.state);
    state = detail.state;
    byId('state').className = `state ${state}`;
    setText(byId('state'), state);
    showButtons(runs);
    const {vertices, edges, ...rest} = detail;
    fill('head', {...rest, seen_ms: 0}, () => headOf(detail));
    showGraph(detail);
    fill('splits', detail.splits, () => splitsOf(detail));
    fill('checkpoints', detail.checkpoints, () => checkpointsOf(detail));
    fill('failures', detail.failures, () => happenedOf(detail.failures, 'what'));
    fill('events', detail.events, () => happenedOf(detail.events, 'text'));
    fill('script', detail.sql, () => [make('pre', {}, ...coloured(detail.sql.trim()))]);
  }

  function showMissing(is) {
    missing.hidden = !is;
    for (const element of frame) element.hidden = is;
    if (is) state = 'no such job';
  }

  async function poll() {
    let detail;
    try {
      detail = await call('GET', jobPath(name));
    } catch (error) {
      if (error.status !== 404) throw error;
      return showMissing(true);
    }
    if (!frame[0].isConnected) return;
    showMissing(false);
    detail.seen_ms = performance.now();
    show(detail);
    previous = detail;
    await hour.poll();
  }

  return {
    elements: [...frame, missing],
    title: () => state ? `${name} · ${state}` : name,
    poll,
    leave: () => byId('question').close('no'),
    resize: hour.redraw,
  };
}
