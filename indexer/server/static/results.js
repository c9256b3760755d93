// Results of a search: hits grouped by recording.

import { cache, get, library, searchParameters } from "./api.js";
import { announce, el, icon } from "./dom.js";
import { markHits } from "./dock.js";
import { player } from "./player.js";
import { clock, count, duration, folder, percent, spoken, title } from "./format.js";
import { Waveform } from "./waveform.js";
import { Choice } from "./supercut.js";
import { wordsOf } from "./words.js";

export const LEAD = 1; // seconds played before a hit
const PAGE = 50;

const split = (text) => (text ? text.split(" ") : []);

export class Results {
  constructor(query) {
    this.query = query; // URLSearchParams
    this.groups = new Map(); // id of a recording → group
    this.hits = 0;
    this.waves = [];
    this.tally = el("h1", { class: "tally" });
    this.notes = el("p", { class: "notes" });
    this.list = el("div", { class: "groups" });
    this.more = el("button", { class: "primary more", type: "button", hidden: true, onclick: () => this.load() }, "Show more");
    this.choice = new Choice(this.list);
    this.element = el("div", { class: "results" }, this.tally, this.notes, this.choice.element, this.list, this.more);
    this.listeners = [["time", () => this.showTime()], ["word", () => this.showWord()], ["state", () => this.showState()]];
    for (const [name, listener] of this.listeners) player.addEventListener(name, listener);
  }

  close() {
    for (const wave of this.waves) wave.close();
    for (const [name, listener] of this.listeners) player.removeEventListener(name, listener);
  }

  /** Append the next page of hits. */
  async load(signal) {
    this.more.disabled = true;
    const response = await get("/search", searchParameters(this.query, { limit: PAGE, after: this.after }), signal);
    this.after = response.after;
    response.recordings.forEach(cache);
    const recordings = new Map(response.recordings.map((recording) => [recording.id, recording]));
    const first = this.hits === 0;
    for (const hit of response.hits) this.add(recordings.get(hit.id), hit);
    for (const group of this.groups.values()) group.wave.setHits(group.hits);
    const also = response.also.length ? [`Also looked for ${response.also.map((text) => `“${text}”`).join(", ")}`] : [];
    this.notes.textContent = [...response.notes, ...also].join(". ");
    this.notes.hidden = !this.notes.textContent;
    this.more.hidden = !response.after;
    this.more.disabled = false;
    if (!this.hits && response.after) return this.load(signal);
    if (!this.hits) await this.showNothingFound(response);
    else {
      const tally = `${this.after ? "First " : ""}${count(this.hits, "hit")} in ${count(this.groups.size, "recording")}`;
      this.tally.textContent = tally;
      announce(first ? `${tally}.` : `Now ${tally}.`);
    }
  }

  async showNothingFound(response) {
    const text = this.query.get("q");
    const filters = ["path", "confidence"].filter((name) => this.query.get(name));
    this.tally.textContent = "Nothing found";
    const suggestions = [];
    for (const [word, similar] of Object.entries(response.near)) {
      const links = similar.flatMap((replacement, n) => {
        const query = new URLSearchParams(this.query);
        query.set("q", text.toLowerCase().split(word).join(replacement));
        return [n ? ", " : "", el("a", { href: `/?${query}` }, replacement)];
      });
      suggestions.push(el("p", {}, `“${word}” is in no transcript. `, ...(links.length ? ["Similar words: ", ...links, "."] : [])));
    }
    if (!suggestions.length) {
      suggestions.push(el("p", {}, text.trim().includes(" ") && !this.query.get("slop")
        ? "The words occur, but not next to each other. Allow words between them."
        : "It is not said, or was recognized as other words."));
    }
    if (filters.length) {
      const query = new URLSearchParams(this.query);
      for (const name of filters) query.delete(name);
      suggestions.push(el("p", {}, el("a", { href: `/?${query}` }, "Search all folders at any confidence")));
    }
    const totals = await library();
    suggestions.push(el("p", { class: "soft" }, `Searched ${count(totals.recordings, "recording")}, ${duration(totals.seconds)}.`));
    this.list.replaceChildren(el("div", { class: "empty" }, el("p", { class: "query" }, `“${text}”`), ...suggestions));
    announce(`Nothing found for ${text}.`);
  }

  add(recording, hit) {
    const group = this.groups.get(recording.id) ?? this.addGroup(recording);
    group.hits.push(hit);
    group.number.textContent = count(group.hits.length, "hit");
    group.list.append(this.item(recording, hit));
    this.hits += 1;
  }

  addGroup(recording) {
    const number = el("span");
    const list = el("ol", { class: "hits" });
    const wave = new Waveform(recording, { onseek: (time) => player.play(recording, time) });
    const heading = `g-${recording.id}`;
    const link = el("a", { href: this.url(recording) }, title(recording.path));
    const details = el("p", { class: "details", title: recording.path }, folder(recording.path), " · ", duration(recording.duration), " · ", number);
    this.list.append(el("section", { class: "group", "aria-labelledby": heading }, el("h2", { id: heading }, link), details, wave.element, list));
    const group = { recording, hits: [], number, list, wave };
    this.groups.set(recording.id, group);
    this.waves.push(wave);
    return group;
  }

  url(recording, time) {
    const query = new URLSearchParams(this.query);
    if (time !== undefined) query.set("t", time);
    return `/r/${encodeURIComponent(recording.id)}?${query}`;
  }

  item(recording, hit) {
    const before = split(hit.before);
    const wordless = !hit.words.length; // hit by sound where no word was recognized
    const matched = wordless ? [this.query.get("q").trim()] : hit.words.map((word) => word.text);
    const after = split(hit.after);
    const spans = [...before, ...matched, ...after].map((text) => el("span", {}, text));
    const spaced = (elements) => elements.flatMap((span, n) => (n ? [" ", span] : [span]));
    const mark = el("mark", {}, ...spaced(spans.slice(before.length, before.length + matched.length)));
    const words = el("span", { class: "words" },
      ...spaced(spans.slice(0, before.length)), " ", mark, " ", ...spaced(spans.slice(before.length + matched.length)));
    const meter = el("span", { class: "meter", "aria-hidden": true }, el("span"));
    meter.firstChild.style.width = `${hit.confidence * 100}%`;
    const confidence = el("span", { class: "confidence" }, percent(hit.confidence), meter);
    const way = hit.way === "sound" ? el("span", { class: "way", title: "found by sound, not by recognized words" }, "by sound") : null;
    const voice = hit.voice ? el("span", { class: "voice", title: "speaker or channel" }, hit.voice) : null;
    const button = el("button", { class: "hit", type: "button", onclick: () => this.play(item) },
      el("span", { class: "at" }, icon("play"), el("span", { "aria-hidden": true }, clock(hit.start)), el("span", { class: "visually-hidden" }, `Play at ${spoken(hit.start)}:`)),
      words, el("span", { class: "facts" }, voice, way, confidence));
    const open = el("a", { class: "open", href: this.url(recording, Math.round(hit.start * 10) / 10), "aria-label": `Transcript at ${spoken(hit.start)}`, title: "Open the transcript here" }, icon("text"));
    const item = el("li", {}, button, open);
    item.hit = { recording, hit, spans, lead: before.length, wordless };
    return item;
  }

  play(item) {
    const { recording, hit } = item.hit;
    player.play(recording, hit.start - LEAD, item);
    this.locate(item);
    this.showState();
    markHits(recording.id, this.groups.get(recording.id).hits);
  }

  /** Focus the hit `step` items further; play it if the player is playing. */
  move(step) {
    const items = [...this.element.querySelectorAll(".hits > li")];
    if (!items.length) return;
    const index = items.indexOf(this.selected());
    const item = items[index < 0 ? 0 : Math.min(Math.max(index + step, 0), items.length - 1)];
    this.chosen = item;
    item.querySelector("button").focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
    if (player.playing && player.hit !== item) this.play(item);
  }

  /** List item of the hit that has the focus, was chosen last, or was played last. */
  selected() {
    const focused = document.activeElement?.closest(".hits > li");
    const selected = [focused, this.chosen, player.hit].find((item) => item && this.element.contains(item));
    return selected ?? null;
  }

  /** Play the selected hit; if it is being played, pause. */
  toggle() {
    const item = this.selected() ?? this.element.querySelector(".hits > li");
    if (item && item !== player.hit) this.play(item);
    else if (player.recording) player.toggle();
  }

  open() {
    this.selected()?.querySelector("a.open").click();
  }

  /** Find the index of the first word of an item in the transcript, to mark the current word. */
  async locate({ hit: line }) {
    if (line.first !== undefined) return;
    line.first = (await wordsOf(line.recording.id).at(line.hit.start + 0.0005)) - line.lead;
    this.showWord();
  }

  showState() {
    for (const item of this.element.querySelectorAll("li.current")) item.classList.remove("current", "is-playing");
    if (player.hit?.hit) player.hit.classList.add("current");
    if (player.hit?.hit && player.playing) player.hit.classList.add("is-playing");
  }

  showTime() {
    for (const group of this.groups.values()) {
      group.wave.setTime(player.recording.id === group.recording.id ? player.time : null);
    }
  }

  showWord() {
    this.now?.classList.remove("now");
    const line = player.hit?.hit;
    if (!line || line.first === undefined) return;
    const index = player.index - line.first;
    this.now = line.spans[line.wordless && index >= line.lead ? index + 1 : index];
    this.now?.classList.add("now");
  }
}
