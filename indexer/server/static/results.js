// Results of a search: recordings by their best hit, or in the order of the query, each with its hits by time.

import { cache, get, library, searchParameters } from "./api.js";
import { announce, el } from "./dom.js";
import { markHits } from "./dock.js";
import { nothingFound } from "./empty.js";
import { HitGroup, showItemState } from "./hits.js";
import { player } from "./player.js";
import { notice } from "./problem.js";
import { count } from "./format.js";
import { Choice } from "./supercut.js";
import { wordsOf } from "./words.js";

export const LEAD = 1; // seconds played before a hit
const PAGE = 50;

export class Results {
  /** `draft`: the text of a query that is still being typed; it is searched in words only. */
  constructor(query, { draft = null } = {}) {
    this.query = query; // URLSearchParams
    this.draft = draft;
    this.groups = new Map(); // id of a recording → group
    this.hits = 0;
    this.tally = el("h1", { class: "tally" });
    this.notes = el("p", { class: "notes" });
    this.list = el("div", { class: "groups" });
    this.more = el("button", { class: "primary more", type: "button", hidden: true, onclick: () => this.loadMore() }, "Show more");
    this.choice = new Choice(this.list);
    this.element = el("div", { class: "results" }, this.tally, this.notes, this.choice.element, this.list, this.more);
    this.listeners = [["time", () => this.showTime()], ["word", () => this.showWord()], ["state", () => this.showState()]];
    for (const [name, listener] of this.listeners) player.addEventListener(name, listener);
  }

  close() {
    for (const group of this.groups.values()) group.close();
    for (const [name, listener] of this.listeners) player.removeEventListener(name, listener);
  }

  /** Append the next page of hits. */
  async load(signal) {
    const additional = { limit: PAGE, after: this.after, ...(this.draft ? { mode: "words" } : {}) };
    const response = await get("/search", searchParameters(this.query, additional), signal);
    this.after = response.after;
    response.recordings.forEach(cache);
    const recordings = new Map(response.recordings.map((recording) => [recording.id, recording]));
    const first = this.hits === 0;
    [this.text = this.query.get("q").trim()] = response.texts;
    for (const hit of response.hits) this.add(recordings.get(hit.id), hit);
    for (const group of this.groups.values()) group.update();
    if (!this.hits && response.after) return this.load(signal);
    await this.showNotes(response);
    this.more.hidden = !response.after;
    if (!this.hits) await this.showNothingFound(response);
    else {
      const tally = `${this.after ? "First " : ""}${count(this.hits, "hit")} in ${count(this.groups.size, "recording")}`;
      this.tally.textContent = tally;
      announce(first ? `${tally}.` : `Now ${tally}.`);
    }
    this.showState();
    return undefined;
  }

  async loadMore() {
    this.more.disabled = true;
    this.problem?.remove();
    try {
      await this.load();
    } catch (error) {
      this.problem = notice(error, () => this.loadMore());
      this.more.before(this.problem);
      if (error.status === undefined) throw error;
    } finally {
      this.more.disabled = false;
    }
  }

  async showNotes(response) {
    const notes = [...response.notes];
    if (response.also.length) notes.push(`Also looked for ${response.also.map((text) => `“${text}”`).join(", ")}`);
    if (this.draft) {
      const { modes } = await library();
      notes.push(`Press Enter to search for “${this.draft}”${modes.includes("sound") ? ", by sound too" : ""}`);
    }
    this.notes.textContent = notes.map((note) => note.replace(/\.$/, "")).join(". ");
    this.notes.hidden = !notes.length;
  }

  async showNothingFound(response) {
    this.tally.textContent = this.draft ? "Nothing found yet" : "Nothing found";
    if (!this.draft) this.list.replaceChildren(await nothingFound(this.query, response));
    announce(`Nothing found for ${this.query.get("q")}.`);
  }

  add(recording, hit) {
    if (!this.groups.has(recording.id)) this.addGroup(recording);
    const item = this.groups.get(recording.id).add(hit);
    const played = player.hit?.hit;
    if (played && played.recording.id === recording.id && played.hit.start === hit.start) {
      item.hit.first = played.first;
      player.hit = item; // the same hit in results shown before
    }
    this.hits += 1;
  }

  addGroup(recording) {
    const group = new HitGroup(recording, {
      text: this.text,
      url: (time) => this.url(recording, time),
      onplay: (item) => this.playOrPause(item),
      onseek: (time) => player.play(recording, time),
    });
    this.groups.set(recording.id, group);
    this.list.append(group.element);
  }

  url(recording, time) {
    const query = new URLSearchParams(this.query);
    if (time !== undefined) query.set("t", time);
    return `/r/${encodeURIComponent(recording.id)}?${query}`;
  }

  get items() {
    return [...this.groups.values()].flatMap((group) => group.items);
  }

  play(item) {
    const { recording, hit } = item.hit;
    const group = this.groups.get(recording.id);
    if (!group.isPlayable) return;
    player.play(recording, hit.start - LEAD, item);
    this.locate(item);
    this.showState();
    markHits(recording.id, group.hits);
  }

  /** Play a hit; if it is being played, pause; if it is paused, go on. */
  playOrPause(item) {
    if (item === player.hit && !player.audio.ended) player.toggle();
    else this.play(item);
  }

  /** Focus the hit `step` items further; play it if the player is playing. */
  move(step) {
    const { items } = this;
    if (!items.length) return;
    const index = items.indexOf(this.selected());
    const item = items[index < 0 ? 0 : Math.min(Math.max(index + step, 0), items.length - 1)];
    this.chosen = item;
    item.querySelector(".hit").focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
    if (player.playing && player.hit !== item) this.play(item);
  }

  /** List item of the hit that has the focus, was chosen last, or was played last. */
  selected() {
    const focused = document.activeElement?.closest(".hits > li");
    const selected = [focused, this.chosen, player.hit].find((item) => item && this.element.contains(item));
    return selected ?? null;
  }

  /** Play the selected hit; if it is being played, or nothing is selected, pause. */
  toggle() {
    const focused = document.activeElement?.closest(".hits > li");
    const goesOn = player.playing && !player.hit && !focused; // it was moved away from its hit
    const item = this.selected() ?? (player.recording ? null : this.items[0]);
    if (item && item !== player.hit && !goesOn) this.play(item);
    else if (player.recording) player.toggle();
  }

  open() {
    this.selected()?.querySelector("a").click();
  }

  /** Find the index of the first word of an item in the transcript, to mark the current word. */
  async locate({ hit: line }) {
    if (line.first !== undefined) return;
    line.first = (await wordsOf(line.recording.id).at(line.hit.start + 0.0005)) - line.lead;
    this.showWord();
  }

  showState() {
    for (const item of this.items) {
      const current = item === player.hit;
      showItemState(item, { current, playing: current && player.playing });
    }
  }

  showTime() {
    for (const { recording, wave } of this.groups.values()) {
      wave?.setTime(player.recording.id === recording.id ? player.time : null);
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
