// All jobs in a table: search, order, totals.
import {call} from './api.js';
import {byNature, count, duration, make, rate, setText} from './dom.js';

const ENDED = ['finished', 'stopped', 'cancelled', 'failed'];

// How a column is called, what it is ordered by, what it shows and, for numbers, what its total is.
const COLUMNS = [
  {id: 'name', label: 'job', value: (job) => job.name},
  {id: 'state', label: 'state', value: (job) => job.state},
  {id: 'in', label: 'in', value: (job) => job.rateIn, show: rate, total: true},
  {id: 'out', label: 'out', value: (job) => job.rateOut, show: rate, total: true},
  {id: 'lag', label: 'lag', value: (job) => job.lag, show: (lag) => lag === null ? '–' : count(lag), total: true},
  {id: 'read', label: 'rows in', value: (job) => job.rows_read, show: count, total: true, wide: true},
  {id: 'written', label: 'rows out', value: (job) => job.rows_written, show: count, total: true, wide: true},
  {id: 'restarts', label: 'restarts', value: (job) => job.restarts, show: count, total: true},
  {
    id: 'checkpoints',
    label: 'checkpoints',
    value: (job) => job.completed_checkpoints,
    show: count,
    total: true,
    wide: true
  },
  {
    id: 'age',
    label: 'for',
    value: (job) => job.age,
    show: (age) => age === null ? '–' : duration(age),
    number: true,
    wide: true
  },
];

function classOf(column) {
  return `${column.total || column.number ? 'number' : 'fixed'}${column.wide ? ' wide' : ''}`;
}

export function ordered(jobs, column, descending) {
  const compare = (a, b) => {
    const left = column.value(a), right = column.value(b);
    if (typeof left === 'string') return byNature(left, right);
    return (left ?? -1) - (right ?? -1);
  };
  return [...jobs].sort((a, b) => (descending ? -1 : 1) * compare(a, b) || byNature(a.name, b.name));
}

// All words must be in its name or be its state.
export function matching(jobs, search) {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return jobs.filter((job) => words.every((word) => job.name.toLowerCase().includes(word) || job.state === word));
}

// With what they do per second, from what they had done one poll ago.
function withRates(jobs, before, seconds) {
  const then = new Map((before || []).map((job) => [job.name, job]));
  return jobs.map((job) => {
    const old = then.get(job.name);
    const compared = old && old.started_ms === job.started_ms && seconds > 0 && !ENDED.includes(job.state);
    const difference = (field) => compared ? Math.max(0, job[field] - old[field]) / seconds : null;
    const begun = ENDED.includes(job.state) ? job.ended_ms : job.started_ms;
    return {
      ...job,
      rateIn: difference('rows_read'),
      rateOut: difference('rows_written'),
      age: begun === null ? null : Math.max(0, Date.now() - begun)
    };
  });
}

function totalOf(jobs, column) {
  const known = jobs.map(column.value).filter((value) => value !== null);
  return column.show(known.length === 0 ? (column.show === count ? 0 : null) : known.reduce((a, b) => a + b, 0));
}

export function jobsPage() {
  const rows = new Map();  // by name: the row stays the same element, so that it can be clicked while it changes
  let order = COLUMNS[0], descending = false;
  let raw = null, jobs = [], seenMs = 0;

  const search = make('input', {
    id: 'search',
    type: 'search',
    placeholder: 'search: part of a name, or a state',
    'aria-label': 'search',
    autocomplete: 'off',
    oninput: show
  });
  const heads = COLUMNS.map((column) => {
    const attributes = {id: `by-${column.id}`, 'class': 'sort', onclick: () => orderBy(column)};
    return make('th', {'class': classOf(column)}, make('button', attributes, column.label));
  });
  const body = make('tbody', {id: 'jobs'});
  const totals = COLUMNS.map((column) => make('td', {'class': classOf(column)}));
  const counted = make('span', {id: 'counted', 'class': 'quiet'});
  const nothing = make('p', {id: 'nothing', 'class': 'quiet'}, 'looking');
  const whole = make(
      'table', {'class': 'jobs', hidden: true}, make('thead', {}, make('tr', {}, ...heads)), body,
      make('tfoot', {}, make('tr', {id: 'totals'}, ...totals)));

  function orderBy(column) {
    // Numbers begin with the largest.
    descending = order === column ? !descending : Boolean(column.total || column.number);
    order = column;
    show();
  }

  function newRow(job) {
    const cells = COLUMNS.map((column) => make('td', {'class': classOf(column)}));
    cells[0].append(make('a', {href: `#/jobs/${encodeURIComponent(job.name)}`}, job.name));
    cells[1].append(make('span', {'class': 'state'}));
    return {row: make('tr', {}, ...cells), cells};
  }

  function fillRow({row, cells}, job) {
    const state = cells[1].firstChild;
    state.className = `state ${job.state}`;
    setText(state, job.state);
    row.title = job.error;
    COLUMNS.slice(2).forEach((column, index) => setText(cells[index + 2], column.show(column.value(job))));
  }

  function showOrder(found) {
    const wanted = found.map((job) => rows.get(job.name).row);
    if (wanted.length !== body.children.length || wanted.some((row, index) => row !== body.children[index]))
      body.replaceChildren(...wanted);
    heads.forEach((head, index) => {
      const chosen = COLUMNS[index] === order;
      head.setAttribute('aria-sort', !chosen ? 'none' : descending ? 'descending' : 'ascending');
    });
  }

  function show() {
    const found = ordered(matching(jobs, search.value), order, descending);
    for (const name of rows.keys()) {
      if (!jobs.some((job) => job.name === name)) rows.delete(name);
    }
    for (const job of found) {
      if (!rows.has(job.name)) rows.set(job.name, newRow(job));
      fillRow(rows.get(job.name), job);
    }
    showOrder(found);
    setText(totals[0], found.length === jobs.length ? `all ${jobs.length}` : `${found.length} of ${jobs.length}`);
    COLUMNS.forEach((column, index) => column.total && setText(totals[index], totalOf(found, column)));
    whole.hidden = found.length === 0;
    nothing.hidden = found.length > 0;
    setText(nothing, jobs.length === 0 ? 'There is no job yet: submit a new one.' : 'No job is called so.');
    const states = new Map();
    for (const job of jobs) states.set(job.state, (states.get(job.state) || 0) + 1);
    const mostFirst = [...states].sort((a, b) => b[1] - a[1]);
    setText(counted, mostFirst.map(([state, number]) => `${number} ${state}`).join(' · '));
  }

  async function poll() {
    const list = (await call('GET', '/api/v1/jobs')).jobs;
    const now = performance.now();
    jobs = withRates(list, raw, (now - seenMs) / 1000);
    raw = list;
    seenMs = now;
    show();
  }

  return {
    elements: [make(
        'section', {id: 'home'}, make('div', {'class': 'head'}, make('h2', {}, 'Jobs'), counted, search), nothing,
        make('div', {'class': 'sideways'}, whole))],
    poll,
  };
}
