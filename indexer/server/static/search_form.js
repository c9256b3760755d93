// The search form: its text, its filters, and the query of a text that is still being typed.

import { library } from "./api.js";
import { byId } from "./dom.js";

export const FILTERS = ["path", "since", "until", "confidence", "slop", "mode", "order"];
const MIN_DRAFT = 2; // letters

const DAY_MS = 86_400_000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

const shiftDay = (date, days) => new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10);

/** The last day of a filter, which in the URL ends before `until`. */
const toField = (name, value) => (name === "until" && DATE.test(value) ? shiftDay(value, -1) : value);
const fromField = (name, value) => (name === "until" ? shiftDay(value, 1) : value);

/** Fill text and filters from the parameters of a URL. */
export function fillForm(query) {
  byId("q").value = query.get("q") ?? "";
  fillFilters(query);
}

function fillFilters(query) {
  for (const name of FILTERS) {
    const field = byId(name);
    const value = query.get(name) ?? "";
    if (field.type === "date") {
      field.value = DATE.test(toField(name, value).slice(0, 10)) ? toField(name, value).slice(0, 10) : "";
      field.dataset.kept = DATE.test(value) ? "" : value; // a time of day, which the field cannot show
      field.dataset.shown = field.value;
      field.classList.toggle("set", Boolean(value));
      continue;
    }
    if (value && ![...field.options].some((option) => option.value === value)) field.append(new Option(name === "slop" ? `up to ${value} words between` : value, value));
    field.value = value;
    if (field.selectedIndex < 0) field.selectedIndex = 0;
    field.classList.toggle("set", field.selectedIndex > 0);
  }
}

/** The URL of the form's query, with another text if it is given. */
export function formUrl(text = byId("q").value.trim()) {
  if (!text) return "/";
  const query = new URLSearchParams({ q: text });
  for (const name of FILTERS) {
    const field = byId(name);
    if (field.type === "date") {
      const isKept = field.dataset.kept && field.value === field.dataset.shown;
      const value = isKept ? field.dataset.kept : field.value && fromField(name, field.value);
      if (value) query.set(name, value);
    } else if (field.value && field.selectedIndex > 0) query.set(name, field.value);
  }
  return `/?${query}`;
}

/** The URL of a text that is still being typed, whose last word may be unfinished; null if it is not searched yet. */
export function draftUrl() {
  const text = byId("q").value.trim();
  if (!text) return "/";
  if (text.length < MIN_DRAFT || byId("mode").value === "sound") return null;
  const unfinished = /(?:^|\s)([\p{L}\p{M}'’]{2,})$/u.exec(byId("q").value)?.[1];
  const isInQuotes = (text.match(/["“”„«»]/g) ?? []).length % 2 === 1;
  return formUrl(unfinished && unfinished !== "OR" && !isInQuotes ? `${text}*` : text);
}

/** Offer the folders and search modes of the index. */
export async function offerFilters() {
  const { folders, modes } = await library();
  const options = folders.map(({ path, recordings }) => new Option(`${path} (${recordings})`, path));
  byId("path").replaceChildren(byId("path").options[0], ...options);
  if (modes.length > 1) {
    const names = { auto: "words, then sound", words: "words only", sound: "sound only" };
    byId("mode").replaceChildren(...modes.map((mode) => new Option(names[mode] ?? mode, mode)));
    document.querySelector("label.mode").hidden = false;
  }
  fillFilters(new URLSearchParams(location.search)); // leaves the search box, in which the user may be typing
}
