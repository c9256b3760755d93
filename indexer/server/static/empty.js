// What to try when nothing is found, or when the library is empty.

import { library, sentence } from "./api.js";
import { el } from "./dom.js";
import { count, duration } from "./format.js";

const CONDITIONS = ["path", "since", "until", "confidence"];

/** Link to a query with other parameters; null leaves one out. */
function link(query, changes, label) {
  const changed = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) changed.delete(name);
    else changed.set(name, value);
  }
  return el("a", { href: `/?${changed}` }, label);
}

/** Sentences on words that are in no transcript, with links to similar words. */
function similarWords(query, near) {
  const text = query.get("q");
  return Object.entries(near).map(([word, similar]) => {
    const written = new RegExp(`(?<![\\w'’])${word.replaceAll("'", "['’]")}(?![\\w'’])`, "gi");
    const links = similar.flatMap((replacement, n) => [
      n ? ", " : "", link(query, { q: text.replace(written, replacement) }, replacement)]);
    return el("p", {}, `“${word}” is in no transcript. `, ...(links.length ? ["Similar words: ", ...links, "."] : []));
  });
}

/** The element of a search without hits. */
export async function nothingFound(query, response) {
  const totals = await library();
  if (!totals.recordings) return emptyLibrary(totals);
  const similar = similarWords(query, response.near);
  const set = CONDITIONS.filter((name) => query.get(name));
  const reason = set.length ? "Nothing fits both the text and the filters." : "It is not said, or was recognized as other words.";
  const links = response.suggestions.map(({ label, params }) => link(query, params, sentence(label).slice(0, -1)));
  if (set.length) links.push(link(query, Object.fromEntries(set.map((name) => [name, null])), "Clear the filters"));
  return el("div", { class: "empty" },
    el("p", { class: "query" }, `“${query.get("q")}”`),
    ...(similar.length ? similar : [el("p", {}, reason)]),
    ...(links.length ? [el("p", {}, "Search instead:"), el("ul", { class: "ways" }, ...links.map((item) => el("li", {}, item)))] : []),
    el("p", { class: "soft" }, `Searched ${count(totals.recordings, "recording")}, ${duration(totals.seconds)}.`));
}

/** The element of a library without recordings. */
export function emptyLibrary(totals) {
  const ways = totals.changes
    ? [el("p", {}, el("a", { href: "/add" }, "Add recordings"), " from this page, or a folder of them in a terminal:")]
    : [el("p", {}, "Add a folder of recordings in a terminal, then reload this page:")];
  return el("div", { class: "empty" },
    el("p", { class: "query" }, "No recordings yet"), ...ways,
    el("p", {}, el("code", { class: "command" }, "audiosearch index FOLDER")));
}
