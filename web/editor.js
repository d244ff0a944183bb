// An editor of SQL: a textarea over the same text in colours, with marks where a check found errors.
import {make} from './dom.js';

// Longer texts are edited without colours.
const COLOURED_CHARS_MAX = 100_000;

const KEYWORDS = new Set(`
ADD ALL AND ANY ARRAY AS ASC BETWEEN BIGINT BOOLEAN BY BYTES CASE CAST CATALOG CHAR CONSTRAINT CREATE CROSS CUMULATE
CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATE DAY DECIMAL DELETE DESC DESCRIBE DESCRIPTOR DISTINCT DOUBLE DROP ELSE
END ENFORCED ESCAPE EXCEPT EXISTS EXPLAIN FALSE FILTER FIRST FLOAT FOR FROM FULL FUNCTION GROUP GROUPING HAVING HOP HOUR
IF IN INNER INSERT INT INTEGER INTERSECT INTERVAL INTO IS JOIN KEY LAST LATERAL LEFT LIKE LIMIT LOCALTIME LOCALTIMESTAMP
MAP METADATA MINUTE MONTH MULTISET NOT NULL NULLS NUMERIC OF OFFSET ON OR ORDER OUTER OVER PARTITION PRECISION PRIMARY
RESET RIGHT ROLLUP ROW ROWS SECOND SELECT SESSION SET SETS SHOW SMALLINT STRING SYSTEM_TIME TABLE TABLES TEMPORARY THEN
TIME TIMESTAMP TIMESTAMP_LTZ TINYINT TO TRUE TUMBLE UNION UNIQUE UNNEST UPDATE USING VALUES VARBINARY VARCHAR VIEW VIEWS
VIRTUAL WATERMARK WEEK WHEN WHERE WINDOW WITH WITHOUT YEAR ZONE`.trim().split(/\s+/));

// What begins and does not end goes to the end of the text, as it does for the server.
const TOKEN = new RegExp(
    [
      '(?<comment>--[^\\n]*|/\\*[^]*?(?:\\*/|$))', '(?<string>\'(?:[^\']|\'\')*(?:\'|$))',
      '(?<name>`(?:[^`]|``)*(?:`|$)|"(?:[^"]|"")*(?:"|$))', '(?<word>[\\p{L}_$][\\p{L}\\p{N}_$]*)',
      '(?<number>(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?)'
    ].join('|'),
    'gu');

// [{kind, begin, end}], without what has no colour.
function tokensOf(text) {
  const tokens = [];
  for (const match of text.matchAll(TOKEN)) {
    const {comment, string, name, word} = match.groups;
    let kind = comment ? 'comment' : string ? 'string' : name ? 'name' : word ? 'keyword' : 'number';
    if (word && !KEYWORDS.has(word.toUpperCase())) kind = null;
    if (kind) tokens.push({kind, begin: match.index, end: match.index + match[0].length});
  }
  return tokens;
}

// Where in the text a diagnostic is: its column counts code points, its length bytes of UTF-8; it ends with its line.
export function rangeOf(text, diagnostic) {
  let begin = 0;
  for (let line = 1; line < diagnostic.line; ++line) {
    const next = text.indexOf('\n', begin);
    if (next < 0) return {begin: text.length, end: text.length};
    begin = next + 1;
  }
  const lineEnd = text.indexOf('\n', begin) < 0 ? text.length : text.indexOf('\n', begin);
  const points = [...text.slice(begin, lineEnd)];
  const before = points.slice(0, Math.max(0, diagnostic.column - 1)).join('').length;
  let end = begin + before, left = diagnostic.length;
  for (const point of points.slice(diagnostic.column - 1)) {
    if (left <= 0) break;
    left -= new TextEncoder().encode(point).length;
    end += point.length;
  }
  return {begin: begin + before, end};
}

// The text as elements: spans of tokens, inside of marks.
export function coloured(text, marks = []) {
  const tokens = text.length > COLOURED_CHARS_MAX ? [] : tokensOf(text);
  const cuts = new Set([0, text.length]);
  for (const {begin, end} of [...tokens, ...marks]) cuts.add(begin).add(end);
  const places = [...cuts].sort((a, b) => a - b);
  let next = 0;
  return places.slice(0, -1).map((begin, index) => {
    while (next < tokens.length && tokens[next].end <= begin) ++next;
    const kind = next < tokens.length && tokens[next].begin <= begin ? `sql-${tokens[next].kind}` : '';
    const mark = marks.some((each) => each.begin <= begin && begin < each.end) ? 'sql-wrong' : '';
    const piece = text.slice(begin, places[index + 1]);
    return kind || mark ? make('span', {'class': `${kind} ${mark}`.trim()}, piece) : piece;
  });
}

// {element, text, mark(diagnostics)}: `text` is the textarea. Marks go with the first change.
export function editor(placeholder) {
  const behind = make('pre', {'class': 'colours', 'aria-hidden': 'true'});
  const text = make('textarea', {id: 'sql', spellcheck: 'false', wrap: 'off', autocapitalize: 'off', placeholder});
  let marks = [];
  const draw = () => {
    // A last empty line has height only when something stands in it.
    behind.replaceChildren(...coloured(text.value, marks), '\n');
    follow();
  };
  const follow = () => {
    behind.scrollTop = text.scrollTop;
    behind.scrollLeft = text.scrollLeft;
  };
  text.addEventListener('input', () => {
    marks = [];
    draw();
  });
  text.addEventListener('scroll', follow);
  const mark = (diagnostics) => {
    marks = diagnostics.map((each) => rangeOf(text.value, each)).map(({begin, end}) => {
      // At the end of a line the character before it is marked.
      return end > begin ? {begin, end} : {begin: Math.max(0, begin - 1), end: Math.max(1, begin)};
    });
    draw();
  };
  return {element: make('div', {'class': 'editor'}, behind, text), text, mark, draw};
}

// Puts the cursor there.
export function goTo(text, diagnostic) {
  const {begin, end} = rangeOf(text.value, diagnostic);
  text.focus();
  text.setSelectionRange(begin, end);
  const line = text.value.slice(0, begin).split('\n').length;
  const height = parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (line - 3) * height);
}
