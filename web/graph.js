// The graph of a job as SVG: vertices in columns by their distance from the sources.
//
// An edge leaves its source and comes to its target in a lane of its own; it bends only in the strip between the lanes
// of two columns, and passes a column that it has nothing to do with in a place that is kept free. So no line crosses a
// label or a box: labels stand on lanes.
import {clock, make, node, percent, rate, setText, time} from './dom.js';

const BOX = 212, LANE = 36, LABEL = 158, BEND = 64, ROW_GAP = 22, LINE = 16, PAD = 10, CHARS = 29, LINES_MAX = 5;
const SWEEPS = 24;

function shortened(text) {
  return text.length <= CHARS ? text : text.slice(0, CHARS - 1) + '…';
}

export function operatorsOf(vertex) {
  return vertex.name.split(' -> ');
}

// ---- layout ----

// Longest way from a source; edges that go back (there are none) do not count.
function columnsOf(detail) {
  const column = detail.vertices.map(() => 0);
  for (let round = 0; round < detail.vertices.length; ++round) {
    let changed = false;
    for (const edge of detail.edges) {
      if (column[edge.to] > column[edge.from]) continue;
      column[edge.to] = column[edge.from] + 1;
      changed = true;
    }
    if (!changed) break;
  }
  return column;
}

function boxOf(vertex, index, column) {
  const operators = operatorsOf(vertex);
  const lines = operators.slice(0, LINES_MAX).map(shortened);
  if (operators.length > LINES_MAX) lines.push(`… ${operators.length - LINES_MAX} more`);
  return {vertex: index, column, lines, height: 2 * PAD + (lines.length + 3) * LINE + 10, in : [], out: []};
}

// Boxes, and a place in every column that an edge passes. Each edge is a chain of links between neighbours.
function places(detail) {
  const column = columnsOf(detail);
  const boxes = detail.vertices.map((vertex, index) => boxOf(vertex, index, column[index]));
  const all = [...boxes];
  const edges = detail.edges.map((edge) => {
    const way = [boxes[edge.from]];
    for (let between = column[edge.from] + 1; between < column[edge.to]; ++between) {
      all.push({vertex: null, column: between, height: LANE, in : [], out: []});
      way.push(all.at(-1));
    }
    way.push(boxes[edge.to]);
    const links = way.slice(1).map((to, index) => ({from: way[index], to}));
    for (const link of links) {
      link.from.out.push(link);
      link.to.in.push(link);
    }
    // Where fewer edges meet, so that boxes need not be tall for the sake of labels.
    const before = detail.edges.filter((other) => other.from === edge.from).length;
    const behind = detail.edges.filter((other) => other.to === edge.to).length;
    return {links, labelAtTarget: before > behind};
  });
  for (const {links, labelAtTarget} of edges)
    (labelAtTarget ? links.at(-1) : links[0]).label = labelAtTarget ? 'to' : 'from';
  const columns = [];
  for (const each of all) (columns[each.column] ||= []).push(each);
  return {boxes, edges, columns};
}

const centre = (place) => place.y + place.height / 2;
const laneHeight = (links, side) => links.some((link) => link.label === side) ? LANE : 12;

function neighbours(place, forward) {
  return forward ? place.in.map((link) => link.from) : place.out.map((link) => link.to);
}

function mean(numbers, otherwise) {
  return numbers.length === 0 ? otherwise : numbers.reduce((a, b) => a + b, 0) / numbers.length;
}

// Every place as near to the middle of its neighbours as the others of its column allow: half way between what pushing
// down and what pushing up gives, which keeps the gaps of both.
function settle(column, forward) {
  const wanted = column.map((place) => mean(neighbours(place, forward).map(centre), centre(place)) - place.height / 2);
  const down = [], up = [];
  column.forEach((place, i) => {
    down[i] = i === 0 ? wanted[0] : Math.max(wanted[i], down[i - 1] + column[i - 1].height + ROW_GAP);
  });
  for (let i = column.length - 1; i >= 0; --i)
    up[i] = i + 1 === column.length ? wanted[i] : Math.min(wanted[i], up[i + 1] - column[i].height - ROW_GAP);
  column.forEach((place, i) => place.y = (down[i] + up[i]) / 2);
}

function stack(column) {
  let y = 0;
  for (const place of column) {
    place.y = y;
    y += place.height + ROW_GAP;
  }
}

function arrange(columns) {
  for (const column of columns) stack(column);
  for (let sweep = 0; sweep < SWEEPS; ++sweep) {
    const forward = sweep % 2 === 0;
    for (const column of forward ? columns : [...columns].reverse()) {
      const height = (place) => mean(neighbours(place, forward).map(centre), centre(place));
      const order = new Map(column.map((place) => [place, height(place)]));
      column.sort((a, b) => order.get(a) - order.get(b));
      stack(column);
      settle(column, forward);
    }
  }
  const top = Math.min(...columns.flat().map((place) => place.y));
  for (const place of columns.flat()) place.y -= top;
}

// Where links meet a place, one lane each, in the order of what they lead to.
function spread(place) {
  for (const [links, side, other] of [[place.in, 'to', 'from'], [place.out, 'from', 'to']]) {
    const lane = laneHeight(links, side);
    links.sort((a, b) => centre(a[other]) - centre(b[other]));
    links.forEach((link, i) => link[`${side}Y`] = centre(place) + (i - (links.length - 1) / 2) * lane);
  }
}

function layout(detail) {
  const {boxes, edges, columns} = places(detail);
  for (const box of boxes) {
    box.height = Math.max(
        box.height, box.in.length * laneHeight(box.in, 'to') + 8, box.out.length * laneHeight(box.out, 'from') + 8);
  }
  arrange(columns);
  columns.flat().forEach(spread);
  let x = 0;
  for (const column of columns) {
    const links = column.flatMap((place) => place.out);
    for (const place of column) place.x = x;
    const room = (side) => links.some((link) => link.label === side) ? LABEL : 12;
    const x1 = x + BOX, bend = x1 + room('from'), x2 = bend + BEND;
    x = x2 + room('to');
    for (const link of links) Object.assign(link, {x1, bend, x2, end: x});
  }
  const height = Math.max(...columns.flat().map((place) => place.y + place.height));
  return {boxes, edges, width: Math.max(...boxes.map((box) => box.x)) + BOX, height};
}

// ---- drawing ----

function arrowHead() {
  return node(
      'defs', {},
      node(
          'marker', {
            id: 'arrow',
            viewBox: '0 0 8 8',
            refX: 7,
            refY: 4,
            markerWidth: 8,
            markerHeight: 8,
            markerUnits: 'userSpaceOnUse',
            orient: 'auto'
          },
          node('path', {'class': 'arrow', d: 'M0,0 L8,4 L0,8 z'})));
}

function wayOf(links) {
  let d = `M${links[0].x1},${links[0].fromY}`;
  for (const link of links) {
    const middle = link.bend + BEND / 2;
    d += ` L${link.bend},${link.fromY} C${middle},${link.fromY} ${middle},${link.toY} ${link.x2},${link.toY}`;
    d += ` L${link.end - (link === links.at(-1) ? 2 : 0)},${link.toY}`;
    if (link !== links.at(-1)) d += ` L${link.end + BOX},${link.toY}`;
  }
  return d;
}

function drawEdge(links) {
  const labelled = links.find((link) => link.label);
  const atTarget = labelled.label === 'to';
  const x = atTarget ? labelled.end - 12 : labelled.x1 + 8, y = atTarget ? labelled.toY : labelled.fromY;
  const text = (offset) => node(
      'text', {'class': 'soft', x, y: y + offset, 'text-anchor': atTarget ? 'end' : 'start'});
  const parts = {title: node('title'), line: node('path', {d: wayOf(links), 'marker-end': 'url(#arrow)'})};
  parts.above = text(-5);
  parts.below = text(13);
  parts.element = node('g', {'class': 'exchange'}, parts.title, parts.line, parts.above, parts.below);
  return parts;
}

function drawBox(vertex, box, choose) {
  const width = BOX - 2 * PAD, top = box.height - PAD - 6;
  const bar = (kind, length) => node('rect', {'class': `bar-${kind}`, x: PAD, y: top, width: length, height: 6});
  const text = (y, kind) => node('text', {'class': kind, x: PAD, y});
  const below = PAD + 14 + box.lines.length * LINE;
  const parts = {
    rows: text(below, 'soft'),
    watermark: text(below + LINE, 'soft'),
    spent: text(top - 4, 'soft'),
    busy: bar('busy', 0),
    back: bar('back', 0)
  };
  // What does not fit is cut by the inner drawing.
  const inside = node('svg', {width: BOX - PAD / 2, height: box.height});
  box.lines.forEach((line, index) => {
    const operator = text(PAD + 12 + index * LINE, 'operator');
    operator.textContent = line;
    inside.append(operator);
  });
  inside.append(
      parts.rows, parts.watermark, parts.spent, bar('idle', width), parts.busy, parts.back);
  const onkeydown = (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    choose();
  };
  const title = node('title');
  title.textContent = vertex.name;
  parts.element = node(
      'g', {
        'class': 'vertex',
        transform: `translate(${box.x},${box.y})`,
        tabindex: 0,
        role: 'button',
        'aria-label': vertex.name,
        onclick: choose,
        onkeydown
      },
      title, node('rect', {'class': 'box', width: BOX, height: box.height, rx: 7}), inside);
  return parts;
}

// One for each shape of a job: show() changes what stands in it, and nothing moves.
export class Graph {
  // `choose` is called with the index of a vertex that was clicked.
  constructor(detail, choose = () => {}) {
    const {boxes, edges, width, height} = layout(detail);
    this.width = width + 2;
    this.scale = 1;
    this.edges = edges.map(({links}) => drawEdge(links));
    this.boxes = detail.vertices.map((vertex, index) => drawBox(vertex, boxes[index], () => choose(index)));
    const size = {viewBox: `-1 -1 ${width + 2} ${height + 2}`};
    this.svg = node(
        'svg', {'class': 'graph', role: 'group', 'aria-label': 'job graph', ...size}, arrowHead(),
        ...this.edges.map((each) => each.element), ...this.boxes.map((each) => each.element));
    this.window = make('div', {'class': 'graph-window'}, this.svg);
    const zoom = (id, label, title, scale) =>
        make('button', {id, title, 'aria-label': title, onclick: () => this.zoom(scale())}, label);
    const fit = () => Math.min(1, this.window.clientWidth / this.width);
    this.element = make(
        'div', {}, make(
            'div', {'class': 'zoom'}, zoom('smaller', '−', 'smaller', () => this.scale / 1.25),
            zoom('larger', '+', 'larger', () => this.scale * 1.25), zoom('fit', 'Fit', 'all of it', fit),
            zoom('full', '1:1', 'full size', () => 1)), this.window);
    this.zoom(1);
  }

  zoom(scale) {
    this.scale = Math.min(2, Math.max(0.1, scale));
    this.svg.style.width = `${this.width * this.scale}px`;
  }

  choose(chosen) {
    this.boxes.forEach((box, index) => box.element.classList.toggle('chosen', index === chosen));
  }

  show(detail, facts) {
    this.edges.forEach((parts, index) => {
      const edge = detail.edges[index], {rate: rows, fill, watermark} = facts.edges[index];
      const waiting = `${edge.queued_bytes} of ${edge.queued_bytes_max} bytes wait`;
      setText(parts.title, `${edge.partitioning}, ${edge.rows} rows, ${waiting}`);
      parts.line.setAttribute('class', fill > 0.8 ? 'edge full' : 'edge');
      setText(parts.above, `${edge.partitioning} ${rate(rows)}`);
      setText(parts.below, `queue ${percent(fill)}${watermark === null ? '' : ` · ${clock(watermark)}`}`);
    });
    const width = BOX - 2 * PAD;
    this.boxes.forEach((parts, index) => {
      const vertex = detail.vertices[index], fact = facts.vertices[index];
      setText(parts.rows, `${vertex.parallelism} × · in ${rate(fact.in)} · out ${rate(fact.out)}`);
      setText(parts.watermark, `watermark ${time(fact.watermark)}`);
      setText(parts.spent, `busy ${percent(fact.busy)} · back-pressured ${percent(fact.back)}`);
      parts.busy.setAttribute('width', width * fact.busy);
      parts.back.setAttribute('x', PAD + width * fact.busy);
      parts.back.setAttribute('width', width * fact.back);
    });
  }
}
