// The graph of a job as SVG: vertices in columns by their distance from the sources.
'use strict';

const Graph = (() => {
  const BOX_WIDTH = 212, COLUMN_GAP = 120, ROW_GAP = 22, LINE = 16, PAD = 10, CHARS = 31, LINES_MAX = 5;

  function node(name, attributes, text) {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function shortened(text) {
    return text.length <= CHARS ? text : text.slice(0, CHARS - 1) + '…';
  }

  function columnsOf(detail) {
    const column = detail.vertices.map(() => 0);
    for (let round = 0; round < detail.vertices.length; ++round) {
      for (const edge of detail.edges) column[edge.to] = Math.max(column[edge.to], column[edge.from] + 1);
    }
    return column;
  }

  function layout(detail) {
    const column = columnsOf(detail);
    const heights = new Map();
    const boxes = detail.vertices.map((vertex, index) => {
      const operators = vertex.name.split(' -> ');
      const lines = operators.slice(0, LINES_MAX).map(shortened);
      if (operators.length > LINES_MAX) lines.push(`… ${operators.length - LINES_MAX} more`);
      const height = 2 * PAD + (lines.length + 3) * LINE + 10;
      const y = heights.get(column[index]) || 0;
      heights.set(column[index], y + height + ROW_GAP);
      return {x: column[index] * (BOX_WIDTH + COLUMN_GAP), y, height, lines, column: column[index]};
    });
    const tallest = Math.max(0, ...heights.values());
    for (const box of boxes) box.y += (tallest - heights.get(box.column)) / 2;
    return {
      boxes,
      height: Math.max(0, tallest - ROW_GAP),
      width: (Math.max(0, ...column) + 1) * (BOX_WIDTH + COLUMN_GAP) - COLUMN_GAP
    };
  }

  function drawBox(vertex, box, facts) {
    const group = node('g', {'class': 'vertex', transform: `translate(${box.x},${box.y})`});
    group.append(node('title', {}, vertex.name));
    group.append(node('rect', {'class': 'box', width: BOX_WIDTH, height: box.height, rx: 7}));
    let y = PAD + 12;
    for (const line of box.lines) {
      group.append(node('text', {x: PAD, y}, line));
      y += LINE;
    }
    group.append(node(
        'text', {'class': 'soft', x: PAD, y: y + 2}, `${vertex.parallelism} × · in ${facts.in} · out ${facts.out}`));
    group.append(node('text', {'class': 'soft', x: PAD, y: y + 2 + LINE}, `watermark ${facts.watermark}`));
    const width = BOX_WIDTH - 2 * PAD, top = box.height - PAD - 6;
    group.append(node('rect', {'class': 'bar-idle', x: PAD, y: top, width, height: 6, rx: 3}));
    group.append(node('rect', {'class': 'bar-busy', x: PAD, y: top, width: width * facts.busy, height: 6, rx: 3}));
    group.append(node(
        'rect',
        {'class': 'bar-back', x: PAD + width * facts.busy, y: top, width: width * facts.back, height: 6, rx: 3}));
    group.append(node(
        'text', {'class': 'soft', x: PAD, y: top - 4},
        `busy ${Math.round(100 * facts.busy)} % · back-pressured ${Math.round(100 * facts.back)} %`));
    return group;
  }

  function drawEdge(edge, boxes, facts, isFanOut) {
    const from = boxes[edge.from], to = boxes[edge.to];
    const x1 = from.x + BOX_WIDTH, y1 = from.y + from.height / 2, x2 = to.x - 2, y2 = to.y + to.height / 2;
    // The line is straight where its text stands: at its source, or at its target when the source has more lines.
    const bend = isFanOut ? x1 + 20 : x2 - 20;
    const group = node('g', {'class': 'exchange'});
    const waiting = `${edge.queued_bytes} of ${edge.queued_bytes_max} bytes wait`;
    group.append(node('title', {}, `${edge.partitioning}, ${edge.rows} rows, ${waiting}`));
    group.append(node('path', {
      'class': facts.fill > 0.8 ? 'edge full' : 'edge',
      'marker-end': 'url(#arrow)',
      d: `M${x1},${y1} C${bend},${y1} ${bend},${y2} ${x2},${y2}`,
    }));
    const place = isFanOut ? {x: x2 - 14, 'text-anchor': 'end'} : {x: x1 + 8, 'text-anchor': 'start'};
    const texts = [
      [-20, edge.partitioning], [-6, facts.rate], [15, `queue ${Math.round(100 * facts.fill)} %`], [29, facts.watermark]
    ];
    for (const [offset, text] of texts)
      group.append(node('text', {'class': 'soft halo', y: (isFanOut ? y2 : y1) + offset, ...place}, text));
    return group;
  }

  // facts: {vertices: [{in, out, watermark, busy, back}], edges: [{rate, fill, watermark}]}
  function draw(detail, facts) {
    const {boxes, width, height} = layout(detail);
    const svg = node(
        'svg', {'class': 'graph', viewBox: `-1 -1 ${width + 2} ${height + 2}`, role: 'img', 'aria-label': 'job graph'});
    svg.style.width = `${width + 2}px`;
    const arrow = node('marker', {
      id: 'arrow',
      viewBox: '0 0 8 8',
      refX: 7,
      refY: 4,
      markerWidth: 8,
      markerHeight: 8,
      markerUnits: 'userSpaceOnUse',
      orient: 'auto'
    });
    arrow.append(node('path', {'class': 'arrow', d: 'M0,0 L8,4 L0,8 z'}));
    const defs = node('defs', {});
    defs.append(arrow);
    svg.append(defs);
    detail.edges.forEach((edge, index) => {
      const isFanOut = detail.edges.filter((other) => other.from === edge.from).length > 1;
      svg.append(drawEdge(edge, boxes, facts.edges[index], isFanOut));
    });
    detail.vertices.forEach((vertex, index) => svg.append(drawBox(vertex, boxes[index], facts.vertices[index])));
    return svg;
  }

  return {draw};
})();
