/**
 * Markdown as DOM nodes.
 *
 * Whatever a message says ends in text nodes; nothing here parses HTML, so there is nothing to
 * sanitise. Of HTML only <br> and &nbsp; and the like are understood, which bots put into tables.
 * Links lead to http, https and mailto; anything else stays the text it was.
 */

/** Longer texts are shown as they are: no message worth formatting is that long. */
const LONGEST = 32_000;
const DEEPEST = 8;

const BREAK = /(?<!\\)<br\s*\/?>/i;
const ENTITIES = {
  nbsp: "\u00a0", amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", ensp: "\u2002",
  emsp: "\u2003", ndash: "\u2013", mdash: "\u2014", hellip: "\u2026", bull: "\u2022",
};

/** The text as nodes, ready to be put into a message. */
export function render(text) {
  const nodes = document.createDocumentFragment();
  if (text.length > LONGEST) {
    nodes.append(element("p", { className: "plain" }, text));
    return nodes;
  }
  blocks(nodes, linesOf(text), 0);
  return nodes;
}

/** The address if a link may lead there, else null. */
export function safeLink(address) {
  try {
    const url = new URL(address);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null; // relative, or no address at all
  }
}

/** A link that opens elsewhere and tells the other page nothing about this one. */
export function link(href) {
  return element("a", { href, target: "_blank", rel: "noopener noreferrer" });
}

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/**
 * The lines of a text. A bot may write a whole table as one line with <br> between its rows; in
 * a row of an ordinary table, and in code, the same <br> is left for later.
 */
function linesOf(text) {
  let code = null; // the mark that ends the code block these lines are in
  return text.replace(/\r\n?/g, "\n").split("\n").flatMap((line) => {
    const mark = FENCE.exec(line)?.[1];
    if (code) {
      if (mark?.startsWith(code)) code = null;
      return [line];
    }
    if (mark) code = mark;
    if (mark || !BREAK.test(line)) return [line];
    const parts = line.split(new RegExp(BREAK, "gi"));
    const whole = parts.some(isDelimiter);
    return whole || !(line.trimStart().startsWith("|") || line.includes("`")) ? parts : [line];
  });
}

// -- blocks ---------------------------------------------------------------------------------

const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])( +|$)/;

function blocks(parent, lines, depth) {
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    if (!line.trim()) at += 1;
    else if (FENCE.test(line)) at = fence(parent, lines, at);
    else if (HEADING.test(line)) at = heading(parent, lines, at, depth);
    else if (isTable(lines, at)) at = table(parent, lines, at, depth);
    else if (RULE.test(line)) {
      parent.append(element("hr"));
      at += 1;
    } else if (depth < DEEPEST && QUOTE.test(line)) at = quote(parent, lines, at, depth);
    else if (depth < DEEPEST && ITEM.test(line)) at = list(parent, lines, at, depth);
    else at = paragraph(parent, lines, at, depth);
  }
}

function startsBlock(lines, at) {
  const line = lines[at];
  return (
    !line.trim() || FENCE.test(line) || HEADING.test(line) || RULE.test(line) ||
    QUOTE.test(line) || ITEM.test(line) || isTable(lines, at)
  );
}

function fence(parent, lines, at) {
  const [, mark] = FENCE.exec(lines[at]);
  const code = [];
  let end = at + 1;
  while (end < lines.length) {
    const line = lines[end].trim();
    if (line.startsWith(mark) && !line.replaceAll(mark[0], "")) break;
    code.push(lines[end]);
    end += 1;
  }
  parent.append(element("pre", {}, element("code", {}, code.join("\n"))));
  return end + 1;
}

function heading(parent, lines, at, depth) {
  const [, marks, text] = HEADING.exec(lines[at]);
  // The page's own headings are the first and second level.
  const made = element(`h${Math.min(6, marks.length + 2)}`);
  inline(made, text.replace(/[ \t]+#*[ \t]*$/, ""), depth);
  parent.append(made);
  return at + 1;
}

function quote(parent, lines, at, depth) {
  const inner = [];
  while (at < lines.length && QUOTE.test(lines[at])) {
    inner.push(lines[at].replace(QUOTE, ""));
    at += 1;
  }
  const made = element("blockquote");
  blocks(made, inner, depth + 1);
  parent.append(made);
  return at;
}

function list(parent, lines, at, depth) {
  const [, indent, first] = ITEM.exec(lines[at]);
  const ordered = /\d/.test(first);
  const made = element(ordered ? "ol" : "ul");
  if (ordered) made.start = parseInt(first, 10);
  while (at < lines.length) {
    const found = ITEM.exec(lines[at]);
    if (!found || found[1].length > indent.length + 3) break;
    if (found[1].length < indent.length || /\d/.test(found[2]) !== ordered) break;
    const inner = [lines[at].slice(found[0].length)];
    const inside = indent.length + 2;
    at += 1;
    while (at < lines.length) {
      const line = lines[at];
      const deep = line.length - line.trimStart().length >= inside;
      const after = lines[at + 1] ?? "";
      if (!line.trim()) {
        // A blank line belongs to the item only if the item goes on behind it.
        if (after.length - after.trimStart().length < inside || !after.trim()) break;
      } else if (!deep && (ITEM.test(line) || startsBlock(lines, at))) break;
      inner.push(deep ? line.slice(Math.min(found[0].length, line.search(/\S/))) : line);
      at += 1;
    }
    const item = element("li");
    blocks(item, inner, depth + 1);
    if (item.childNodes.length === 1 && item.firstChild.nodeName === "P") {
      item.replaceChildren(...item.firstChild.childNodes);
    }
    made.append(item);
    while (at < lines.length && !lines[at].trim() && ITEM.test(lines[at + 1] ?? "")) at += 1;
  }
  parent.append(made);
  return at;
}

function paragraph(parent, lines, at, depth) {
  const text = [lines[at].trim()];
  at += 1;
  while (at < lines.length && !startsBlock(lines, at)) {
    text.push(lines[at].trim());
    at += 1;
  }
  const made = element("p");
  inline(made, text.join("\n"), depth);
  parent.append(made);
  return at;
}

// -- tables ---------------------------------------------------------------------------------

function cells(line) {
  const row = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function isDelimiter(line) {
  return line.includes("-") && line.includes("|") &&
    cells(line).every((cell) => /^:?-+:?$/.test(cell));
}

function isTable(lines, at) {
  return lines[at].includes("|") && at + 1 < lines.length && isDelimiter(lines[at + 1]);
}

function table(parent, lines, at, depth) {
  const sides = cells(lines[at + 1]).map((cell) => {
    if (cell.endsWith(":")) return cell.startsWith(":") ? "center" : "end";
    return "start";
  });
  const row = (line, name) => {
    const given = cells(line);
    return element("tr", {}, ...sides.map((side, column) => {
      const made = element(name, { className: side });
      if (name === "th") made.scope = "col";
      inline(made, (given[column] ?? "").replace(/(?:&nbsp;|\s)+$/, ""), depth);
      return made;
    }));
  };
  const head = element("thead", {}, row(lines[at], "th"));
  const body = element("tbody");
  at += 2;
  while (at < lines.length && lines[at].includes("|")) {
    body.append(row(lines[at], "td"));
    at += 1;
  }
  // A wide table scrolls by itself, and can be scrolled with the keyboard.
  const made = element("div", { className: "table", tabIndex: 0 }, element("table", {}, head, body));
  made.setAttribute("role", "region");
  made.setAttribute("aria-label", "Table");
  parent.append(made);
  return at;
}

// -- inline ---------------------------------------------------------------------------------

const PLAIN = /[^\\`*_~[!<&\nhH]+/y;
const BARE = /https?:\/\/[^\s<>"'`|]+/iy;
const ENTITY = /&(?:([a-z]{2,6})|#(\d{1,7})|#x([0-9a-f]{1,6}));/iy;
const AUTOLINK = /<((?:https?:\/\/|mailto:)[^\s<>]{1,2000}|[\w.+-]{1,64}@[\w.-]{1,255})>/iy;
const LINE_BREAK = /<br\s*\/?>/iy;
const MARKS = [["**", "strong"], ["__", "strong"], ["~~", "s"], ["*", "em"], ["_", "em"]];

function inline(parent, text, depth, links = true) {
  const within = { depth, links, dead: new Set() }; // dead: marks that nothing closes any more
  let words = "";
  let at = 0;
  while (at < text.length) {
    const plain = match(PLAIN, text, at);
    const found = plain ? { node: plain[0], end: at + plain[0].length } : special(text, at, within);
    if (found === null) {
      words += text[at];
      at += 1;
      continue;
    }
    at = found.end;
    if (typeof found.node === "string") {
      words += found.node;
      continue;
    }
    if (words) parent.append(words);
    words = "";
    parent.append(found.node);
  }
  if (words) parent.append(words);
}

/** What begins at a position: a node (or text) and where it ends, or null if nothing does. */
function special(text, at, within) {
  switch (text[at]) {
    case "\n": return { node: element("br"), end: at + 1 };
    case "\\": return escaped(text, at);
    case "`": return codeSpan(text, at, within);
    case "&": return entity(text, at);
    case "<": return angle(text, at, within);
    case "h": case "H": return bare(text, at, within);
    case "[": return linked(text, at, within);
    case "!": return text[at + 1] === "[" ? linked(text, at + 1, within) : null;
    default: return emphasis(text, at, within);
  }
}

function escaped(text, at) {
  const next = text[at + 1] ?? "";
  if (next === "\n") return { node: element("br"), end: at + 2 };
  return /[!-/:-@[-`{-~]/.test(next) ? { node: next, end: at + 2 } : null;
}

function codeSpan(text, at, { dead }) {
  const [mark] = match(/`+/y, text, at);
  if (!dead.has(mark)) {
    for (let end = at + mark.length; ; end += 1) {
      end = text.indexOf(mark, end);
      if (end < 0) break;
      const [run] = match(/`+/y, text, end);
      if (run.length === mark.length) {
        const code = text.slice(at + mark.length, end).replaceAll("\n", " ");
        const inner = /^ .*[^ ].* $/.test(code) ? code.slice(1, -1) : code;
        return { node: element("code", {}, inner), end: end + mark.length };
      }
      end += run.length - 1;
    }
    dead.add(mark);
  }
  return { node: mark, end: at + mark.length };
}

function entity(text, at) {
  const found = match(ENTITY, text, at);
  if (!found) return null;
  const [whole, name, decimal, hexadecimal] = found;
  const end = at + whole.length;
  if (name) return name in ENTITIES ? { node: ENTITIES[name], end } : null;
  const code = decimal ? parseInt(decimal, 10) : parseInt(hexadecimal, 16);
  const valid = code > 31 && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000);
  return valid ? { node: String.fromCodePoint(code), end } : null;
}

function angle(text, at, { links }) {
  const line = match(LINE_BREAK, text, at);
  if (line) return { node: element("br"), end: at + line[0].length };
  const found = links && match(AUTOLINK, text, at);
  if (!found) return null;
  const address = /^(?:https?|mailto):/i.test(found[1]) ? found[1] : `mailto:${found[1]}`;
  const href = safeLink(address);
  if (!href) return null;
  const made = link(href);
  made.append(found[1].replace(/^mailto:/i, ""));
  return { node: made, end: at + found[0].length };
}

function bare(text, at, { links }) {
  if (!links || (at > 0 && /[\w/]/.test(text[at - 1]))) return null;
  const found = match(BARE, text, at);
  if (!found) return null;
  // Punctuation behind an address belongs to the sentence, a bracket only if it was opened there.
  let address = found[0].replace(/[.,;:!?*_~]+$/, "");
  while (/[)\]]$/.test(address) && !opened(address)) address = address.slice(0, -1);
  const href = safeLink(address);
  if (!href) return null;
  const made = link(href);
  made.append(address);
  return { node: made, end: at + address.length };
}

function opened(address) {
  const close = address.at(-1);
  const open = close === ")" ? "(" : "[";
  return address.split(open).length >= address.split(close).length;
}

const LONGEST_LABEL = 1000;
const TARGET = /\([ \t]*(?:<([^<>\n]{0,2000})>|([^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*))(?:[ \t]+"[^"\n]*")?[ \t]*\)/y;

/** [text](address), and ![text](address): a picture is linked, not fetched. */
function linked(text, at, { depth, links }) {
  if (!links) return null; // no links within links
  const last = Math.min(text.length, at + LONGEST_LABEL);
  let level = 0;
  let close = at;
  for (; close < last; close += 1) {
    if (text[close] === "\\") close += 1;
    else if (text[close] === "[") level += 1;
    else if (text[close] === "]" && (level -= 1) === 0) break;
  }
  if (level !== 0) return null;
  const target = match(TARGET, text, close + 1);
  const href = target && safeLink(target[1] ?? target[2]);
  if (!href) return null;
  const made = link(href);
  inline(made, text.slice(at + 1, close) || href, depth, false);
  return { node: made, end: close + 1 + target[0].length };
}

function emphasis(text, at, { depth, links, dead }) {
  let doubled = false;
  for (const [mark, name] of MARKS) {
    if (!text.startsWith(mark, at)) continue;
    if (doubled) return { node: mark + mark, end: at + 2 };
    doubled = mark.length === 2;
    const begin = at + mark.length;
    if (depth >= DEEPEST || dead.has(mark) || !/\S/.test(text[begin] ?? " ")) continue;
    if (mark[0] === "_" && at > 0 && /\w/.test(text[at - 1])) continue;
    const end = closing(text, begin, mark);
    if (end < 0) {
      dead.add(mark);
      continue;
    }
    const made = element(name);
    inline(made, text.slice(begin, end), depth + 1, links);
    return { node: made, end: end + mark.length };
  }
  return null;
}

/** Where a mark closes: behind a word, and a single mark not within a double one. */
function closing(text, begin, mark) {
  for (let end = text.indexOf(mark, begin + 1); end >= 0; end = text.indexOf(mark, end + 1)) {
    if (!/\S/.test(text[end - 1]) || text[end - 1] === "\\") continue;
    if (mark.length === 1 && (text[end + 1] === mark || text[end - 1] === mark)) continue;
    if (mark[0] === "_" && /\w/.test(text[end + mark.length] ?? "")) continue;
    // Of three, the inner one closes what was opened within: ***both***.
    return mark.length === 2 && text[end + 2] === mark[0] ? end + 1 : end;
  }
  return -1;
}

function match(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
