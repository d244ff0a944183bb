"""Whether a page is laid out as it should be: what a person would see in a picture of it, but without fonts, which
differ between machines."""
import json
import os
from pathlib import Path

GOLDEN = Path(__file__).with_name("page_layout.json")

# Boxes of all texts that can be seen, cut by what scrolls around them: [text, x, y, right, bottom, number of the text].
TEXTS = """
const cut = (box, element) => {
  let [x, y, right, bottom] = [box.left, box.top, box.right, box.bottom];
  for (let around = element; around && around !== document.body; around = around.parentElement) {
    if (getComputedStyle(around).overflow === 'visible') continue;
    const window = around.getBoundingClientRect();
    [x, y] = [Math.max(x, window.left), Math.max(y, window.top)];
    [right, bottom] = [Math.min(right, window.right), Math.min(bottom, window.bottom)];
  }
  return [x, y, right, bottom];
};
const found = [];
let number = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode, element = text.parentElement;
  if (!text.data.trim() || element.closest('[aria-hidden=true], title, option, thead, script')) continue;
  if (!element.checkVisibility()) continue;
  ++number;
  const range = document.createRange();
  range.selectNodeContents(text);
  for (const box of range.getClientRects()) {
    const [x, y, right, bottom] = cut(box, element);
    if (right - x > 1 && bottom - y > 1) found.push([text.data.trim().slice(0, 40), x, y, right, bottom, number]);
  }
}
return found;
"""

# [selector, x, y, width, height] of the first element of each selector.
BOXES = """
return arguments[0].map((selector) => {
  const element = document.querySelector(selector);
  if (!element) return [selector, null];
  const box = element.getBoundingClientRect();
  return [selector, [box.x, box.y + scrollY, box.width, box.height].map(Math.round)];
});
"""


def overlaps(texts):
    """Pairs of texts of which one covers a part of the other; the boxes of one text may."""
    slack = 2  # lines of text may touch
    pairs = []
    texts = sorted(texts, key=lambda each: each[2])
    for index, (first, x, y, right, bottom, number) in enumerate(texts):
        for second, other_x, other_y, other_right, other_bottom, other_number in texts[index + 1:]:
            if other_y >= bottom - slack:
                break
            aside = x >= other_right - slack or other_x >= right - slack or y >= other_bottom - slack
            if number != other_number and not aside:
                pairs.append((first, second))
    return pairs


def check_texts(test, browser, what):
    """No text covers another one, and nothing lies beside the page."""
    texts = browser.script(TEXTS)
    test.assertTrue(texts, what)
    test.assertEqual(overlaps(texts), [], f"{what}: texts that cover each other")
    width, page = browser.script("return [innerWidth, document.documentElement.scrollWidth]")
    test.assertLessEqual(page, width, f"{what}: the page is wider than its window")
    outside = [text for text, x, _, right, _, _ in texts if x < -1 or right > width + 1]
    test.assertEqual(outside, [], f"{what}: beside the page")


def check_boxes(test, browser, what, selectors):
    """The boxes of `selectors` are where they were; a '|' in front of one: only from left to right, since what stands
    above it has no fixed height. SLIPSTREAM_UPDATE_LAYOUT=1 writes them down."""
    boxes = dict(browser.script(BOXES, [selector.lstrip("|") for selector in selectors]))
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get("SLIPSTREAM_UPDATE_LAYOUT") == "1":
        golden[what] = boxes
        lines = (f" {json.dumps(page)}: {{\n" +
                 ",\n".join(f"  {json.dumps(name)}: {json.dumps(box)}" for name, box in each.items()) + "\n }"
                 for page, each in sorted(golden.items()))
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        return
    for selector in selectors:
        name = selector.lstrip("|")
        test.assertIsNotNone(boxes[name], f"{what}: there is no {name}")
        for side, is_fixed in enumerate((True, selector == name, True, selector == name)):
            wanted, seen = golden[what][name][side], boxes[name][side]
            tolerance = max(16, 0.2 * abs(wanted))  # other fonts are so much wider or higher
            test.assertTrue(not is_fixed or abs(seen - wanted) <= tolerance,
                            f"{what}: {name} is at {boxes[name]} (x, y, width, height), was at {golden[what][name]}")
