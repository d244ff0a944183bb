// Topics, groups and messages of the cluster that the server was started for. Everything is read with queries, so
// nothing is changed there; the server knows the address, the page does not.
import {errorText} from './api.js';
import {byId, byNature, bytes, count, make, section, table} from './dom.js';
import {fetchRows} from './rows.js';

const BOUNDS = {rowsMax: 20_000, charsMax: 20e6, msMax: 20_000};
const MESSAGE_BOUNDS = {rowsMax: 200, charsMax: 4e6, msMax: 15_000, pauseMsMax: 3_000};
const BODY_CHARS_SHOWN = 160;

// As SQL writes a text.
function quoted(text) {
  return `'${text.replaceAll('\'', '\'\'')}'`;
}

function topicPath(topic) {
  return `#/cluster/${encodeURIComponent(topic)}`;
}

function topicLink(topic) {
  return make('a', {href: topicPath(topic)}, topic);
}

// A part of the page that is filled by queries, or says why it is not.
class Part {
  constructor(title, id, ...tools) {
    this.body = make('div', {id: `part-${id}`}, make('p', {'class': 'quiet'}, 'asking the cluster'));
    this.element = section(title, id, ...tools, this.body);
  }

  async fill(build) {
    try {
      this.body.replaceChildren(...await build());
    } catch (error) {
      const unknown = (error.diagnostics || []).some((each) => each.message.includes('unknown table \'rmq_'));
      const text = unknown ?
          'This server knows no cluster: start it with its name servers in SLIPSTREAM_NAMESERVER.' :
          errorText(error);
      this.body.replaceChildren(make('p', {'class': unknown ? 'quiet' : 'error'}, text));
    }
  }
}

// What was left out, if anything.
function cutNote(cut) {
  return cut === '' ? '' : make('p', {'class': 'quiet'}, `only a part: ${cut}`);
}

function groupBy(rows, field) {
  const groups = new Map();
  for (const row of rows) {
    if (!groups.has(row[field])) groups.set(row[field], []);
    groups.get(row[field]).push(row);
  }
  return [...groups].sort(([a], [b]) => byNature(a, b));
}

function total(rows, field) {
  const known = rows.map((row) => row[field]).filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0);
}

const countOrDash = (value) => value === null ? '–' : count(value);

// ---- all topics and groups ----

function filtered(rows, build) {
  const attributes = {type: 'search', 'aria-label': 'search', placeholder: 'search', autocomplete: 'off'};
  const search = make('input', {'class': 'narrow', ...attributes});
  const place = make('div');
  const show = () => {
    const word = search.value.toLowerCase();
    place.replaceChildren(build(rows.filter(([name]) => name.toLowerCase().includes(word))));
  };
  search.addEventListener('input', show);
  show();
  return [search, place];
}

function topicsTable(topics) {
  const rows = topics.map(([topic, brokers]) => {
    const may = [
      brokers.some((each) => each.readable) ? 'read' : '', brokers.some((each) => each.writable) ? 'write' : ''
    ].filter((each) => each !== '');
    return [
      topicLink(topic), count(brokers.length), countOrDash(total(brokers, 'read_queues')),
      countOrDash(total(brokers, 'write_queues')), may.join(', ') || 'nothing'
    ];
  });
  return table(['topic', '#brokers', '#read queues', '#write queues', 'allowed'], rows, 'none');
}

function groupsTable(groups) {
  const rows = groups.map(([name, [group]]) => [
    name, count(group.members), group.consume_type || '', group.message_model || '',
    make('span', {'class': 'links'}, ...(group.topics || []).map(topicLink))
  ]);
  return table(['group', '#members', 'consumes', 'model', 'topics'], rows, 'none');
}

export function clusterPage() {
  const end = new AbortController();
  const bounds = {...BOUNDS, signal: end.signal};
  const topics = new Part('Topics', 'topics'), groups = new Part('Groups', 'groups');
  topics.fill(async () => {
    const {rows, cut} = await fetchRows('SELECT * FROM rmq_topics', bounds);
    return [...filtered(groupBy(rows, 'topic'), topicsTable), cutNote(cut)];
  });
  groups.fill(async () => {
    const {rows, cut} = await fetchRows('SELECT * FROM rmq_groups', bounds);
    return [...filtered(groupBy(rows, 'group_name'), groupsTable), cutNote(cut)];
  });
  return {title: () => 'Cluster', leave: () => end.abort(), elements: [topics.element, groups.element]};
}

// ---- one topic ----

function queuesTable(queues) {
  const rows = queues.map(
      (each) => [each.broker, String(each.queue), String(each.min_offset), String(each.max_offset),
                 count(each.max_offset - each.min_offset)]);
  return table(['broker', '#queue', '#from', '#to', '#messages'], rows, 'there is no such topic');
}

function lagTable(lag) {
  const rows = groupBy(lag, 'group_name').map(([group, queues]) => [
    group, countOrDash(total(queues, 'behind')), String(queues.filter((each) => each.group_offset === null).length)
  ]);
  return table(['group', '#behind', '#queues without offset'], rows, 'no group reads it');
}

// ---- its messages ----

// [{queue, begin, end}]: where to read up to `most` messages of each queue, the newest ones or those from an offset on.
function ranges(queues, wanted, from, most) {
  const chosen = wanted === '' ? queues : queues.filter((each) => `${each.broker}:${each.queue}` === wanted);
  return chosen.map((queue) => {
    const end = from === null ? queue.max_offset : Math.min(queue.max_offset, Math.max(from, queue.min_offset) + most);
    const begin = from === null ? queue.max_offset - most : from;
    return {queue, begin: Math.min(queue.max_offset, Math.max(queue.min_offset, begin)), end};
  }).filter(({begin, end}) => begin < end);
}

function countOf(places) {
  return places.reduce((all, {begin, end}) => all + end - begin, 0);
}

// It ends with its LIMIT, or when nobody reads it any more: one that came to the end of its table, or that had
// checkpoints, would write offsets of its group.
function messagesQuery(topic, places) {
  const begins = places.map(({queue, begin}) => `${queue.broker}:${queue.queue}:${begin}`).join(';');
  const wanted = places.map(
      ({queue, end}) =>
          `(broker = ${quoted(queue.broker)} AND queue_id = ${queue.queue} AND queue_offset < ${end})`);
  const count = countOf(places);
  return `SET 'execution.checkpointing.interval' = '0 s'; SET 'parallelism.default' = '1';
    CREATE TABLE messages (
      body BYTES, broker STRING METADATA VIRTUAL, queue_id INT METADATA FROM 'queue-id' VIRTUAL,
      queue_offset BIGINT METADATA FROM 'queue-offset' VIRTUAL, id STRING METADATA FROM 'msg-id' VIRTUAL,
      stored TIMESTAMP(3) METADATA FROM 'store-timestamp' VIRTUAL, tags STRING METADATA VIRTUAL,
      \`keys\` STRING METADATA VIRTUAL, properties MAP<STRING, STRING> METADATA VIRTUAL
    ) WITH ('connector' = 'rocketmq', 'format' = 'raw', 'decode.errors' = 'skip',
      'topic' = ${quoted(topic)}, 'consumerGroup' = 'slipstream_page',
      'scan.topic-partition-discovery.interval' = '0 s', 'scan.pull.concurrency' = '1',
      'pullBatchSize' = '${Math.min(1024, count)}', 'scan.startup.mode' = 'specific-offsets',
      'scan.startup.specific-offsets' = ${quoted(begins)});
    SELECT TO_BASE64(body) AS body, broker, queue_id, queue_offset, id, stored, tags, \`keys\`, properties
      FROM messages WHERE ${wanted.join(' OR ')} LIMIT ${count}`;
}

// Text when it is some, else the bytes.
function bodyOf(base64) {
  if (base64 === null) return '';
  const body = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(body);
  } catch {
    return [...body].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function messageDetails(message, text) {
  const facts = [
    ['id', message.id], ['broker', message.broker], ['queue', message.queue_id], ['offset', message.queue_offset],
    ['stored', message.stored], ['tag', message.tags], ['keys', message.keys]
  ].filter(([, value]) => value !== null && value !== '');
  const properties = Object.entries(message.properties || {}).map(([name, value]) => `${name} = ${value}`);
  const shown = facts.map(([name, value]) => make('span', {}, `${name} `, make('b', {}, value)));
  return make(
      'tr', {'class': 'details'},
      make(
          'td', {colspan: 6}, make('div', {'class': 'facts'}, ...shown),
          properties.length > 0 ? make('pre', {'class': 'properties'}, properties.join('\n')) : null,
          make('pre', {}, pretty(text))));
}

function messageRow(message) {
  const text = bodyOf(message.body);
  const short = text.length > BODY_CHARS_SHOWN ? `${text.slice(0, BODY_CHARS_SHOWN)}…` : text;
  const cells = [
    ['fixed', `${message.broker}:${message.queue_id}`], ['number', String(message.queue_offset)],
    ['fixed', message.stored === null ? '' : message.stored], ['fixed', message.tags || ''],
    ['fixed', message.keys || '']
  ].map(([kind, value]) => make('td', {'class': kind}, value));
  const row = make('tr', {});
  const toggle = () => {
    const next = row.nextSibling;
    if (next && next.className === 'details') next.remove();
    else row.after(messageDetails(message, text));
  };
  const body = make('button', {'class': 'lead body', onclick: toggle}, short || '(empty)');
  row.append(...cells, make('td', {'class': 'last'}, body));
  return row;
}

function messagesTable(messages) {
  if (messages.length === 0) return make('p', {'class': 'quiet'}, 'none there');
  const heads = ['queue', '#offset', 'stored', 'tag', 'keys', 'body'].map(
      (each) => make('th', {'class': each.startsWith('#') ? 'number' : ''}, each.replace('#', '')));
  return make(
      'div', {'class': 'sideways'},
      make(
          'table', {'class': 'messages'}, make('thead', {}, make('tr', {}, ...heads)),
          make('tbody', {id: 'messages'}, ...messages.map(messageRow))));
}

function newestFirst(a, b) {
  const left = a.stored || '', right = b.stored || '';
  return left < right ? 1 : left > right ? -1 : b.queue_offset - a.queue_offset;
}

// Reads the same number of messages of each queue, and shows the newest of those that contain a text: at most so many.
async function browse(topic, queues, form, signal) {
  const from = form.from.value === '' ? null : Number(form.from.value);
  const chosen = form.queue.value === '' ? queues.length : 1;
  const most = Math.max(1, Math.min(MESSAGE_BOUNDS.rowsMax, Number(form.most.value) || 1));
  const places = ranges(queues, form.queue.value, from, Math.max(1, Math.ceil(most / Math.max(1, chosen))));
  if (places.length === 0) return [messagesTable([])];
  const {rows, cut} = await fetchRows(messagesQuery(topic, places), {...MESSAGE_BOUNDS, signal});
  const word = form.containing.value.toLowerCase();
  const holds = ({body, tags, keys, properties}) =>
      [bodyOf(body), tags, keys, JSON.stringify(properties)].join('\n').toLowerCase().includes(word);
  const found = rows.filter(holds).sort(newestFirst).slice(0, most);
  const size = rows.reduce((all, row) => all + (row.body || '').length * 3 / 4, 0);
  const seen = `${found.length} of ${rows.length} messages that were read, ${bytes(size)}`;
  const note = rows.length < countOf(places) ? cutNote(cut) : '';
  return [make('p', {id: 'seen', 'class': 'quiet'}, seen), messagesTable(found), note];
}

function browserForm(queues, start) {
  const option = (value, label) => make('option', {value}, label);
  const form = {
    queue: make(
        'select', {id: 'queue'}, option('', 'all queues'),
        ...queues.map((each) => option(`${each.broker}:${each.queue}`, `${each.broker}:${each.queue}`))),
    from: make('input', {id: 'from', type: 'number', min: 0, placeholder: 'the newest'}),
    most: make('input', {id: 'most', type: 'number', min: 1, max: MESSAGE_BOUNDS.rowsMax, value: 40}),
    containing: make('input', {id: 'containing', type: 'search', placeholder: 'any text', autocomplete: 'off'}),
  };
  const label = (id, text) => make('label', {'for': id}, text);
  form.element = make(
      'div', {'class': 'row'}, label('queue', 'of'), form.queue, label('from', 'from offset'), form.from,
      label('most', 'at most'), form.most, label('containing', 'with'), form.containing,
      make('button', {id: 'look', 'class': 'main', onclick: start}, 'Look'));
  return form;
}

export function topicPage(topic) {
  const end = new AbortController();
  const bounds = {...BOUNDS, signal: end.signal};
  const where = `WHERE topic = ${quoted(topic)}`;
  const queuesPart = new Part('Queues', 'queues'), lagPart = new Part('Groups', 'lag');
  const messages = new Part('Messages', 'browser');
  const result = make('div', {id: 'result'});
  let queues = [], form = null;

  async function look() {
    byId('look').disabled = true;
    result.replaceChildren(make('p', {'class': 'quiet'}, 'reading'));
    try {
      queues = (await fetchRows(`SELECT * FROM rmq_queues ${where}`, bounds)).rows;
      result.replaceChildren(...await browse(topic, queues, form, end.signal));
    } catch (error) {
      result.replaceChildren(make('p', {'class': 'error'}, errorText(error)));
    }
    if (byId('look')) byId('look').disabled = false;
  }

  queuesPart.fill(async () => {
    queues = (await fetchRows(`SELECT * FROM rmq_queues ${where}`, bounds)).rows;
    queues.sort((a, b) => byNature(a.broker, b.broker) || a.queue - b.queue);
    messages.fill(async () => {
      form = browserForm(queues, look);
      return [form.element, result];
    });
    return [queuesTable(queues)];
  });
  lagPart.fill(async () => [lagTable((await fetchRows(`SELECT * FROM rmq_lag ${where}`, bounds)).rows)]);
  return {
    title: () => topic,
    leave: () => end.abort(),
    elements: [
      make(
          'section', {id: 'topic'},
          make('div', {'class': 'head'}, make('h2', {}, topic), make('a', {href: '#/cluster'}, 'all topics'))),
      make('div', {'class': 'two'}, queuesPart.element, lagPart.element), messages.element
    ],
  };
}
