// A recording with its waveform, transcript and hits.

import { get, isPlayable, searchParameters } from "./api.js";
import { Correction } from "./correction.js";
import { markHits } from "./dock.js";
import { announce, el, icon } from "./dom.js";
import { transcriptMenu } from "./download.js";
import { player } from "./player.js";
import { LEAD } from "./results.js";
import { Selection } from "./selection.js";
import { clock, count, duration, silence, spoken, title, transcriptFile } from "./format.js";
import { showTags } from "./tags.js";
import { Transcript } from "./transcript.js";
import { Waveform } from "./waveform.js";
import { wordsOf } from "./words.js";

const SCROLL_PAUSE_MS = 4000; // after the user scrolls, the transcript does not scroll by itself

export class RecordingView {
  constructor(recording, query) {
    this.recording = recording;
    this.query = query;
    this.hits = [];
    this.position = -1; // index of the current hit
    this.words = wordsOf(recording.id);
    this.isPlayable = isPlayable(recording);
    this.wave = this.isPlayable ? new Waveform(recording, { onseek: (time) => this.play(time) }) : null;
    this.transcript = new Transcript(this.words, { verb: this.isPlayable ? "play from" : "link to", onplay: (time) => this.play(time) });
    this.selection = new Selection(recording, this.transcript);
    this.correction = new Correction(recording, this.transcript, this.selection);
    this.jump = el("div", { class: "jump", hidden: true });
    const back = query.get("q")
      ? el("a", { class: "back", href: `/?${searchParameters(query)}` }, icon("back"), `All hits of “${query.get("q")}”`)
      : el("a", { class: "back", href: "/" }, icon("back"), "All recordings");
    const reason = silence(recording);
    const facts = [...(reason ? [reason] : []), duration(recording.duration), `indexed ${recording.added.slice(0, 10)}`];
    this.facts = el("p", { class: "details" }, facts.join(" · "));
    this.heading = el("h1", {}, title(recording.path));
    this.element = el("article", { class: "recording" },
      el("nav", { "aria-label": "Back" }, back),
      this.heading,
      ...recording.paths.map((path) => el("p", { class: "path" }, recording.has_media === false ? transcriptFile(path) : path)),
      this.facts, el("div", { class: "tools" }, transcriptMenu(recording)), this.wave?.element ?? "", this.jump, this.transcript.element, this.selection.element);
    this.listeners = [["time", () => this.showTime()], ["word", () => this.showWord()], ["load", () => this.showTime()]];
    for (const [name, listener] of this.listeners) player.addEventListener(name, listener);
    this.scrolled = () => (this.scrolledAt = performance.now());
    for (const name of ["wheel", "touchmove"]) addEventListener(name, this.scrolled, { passive: true });
  }

  close() {
    this.wave?.close();
    this.transcript.close();
    this.selection.close();
    for (const [name, listener] of this.listeners) player.removeEventListener(name, listener);
    for (const name of ["wheel", "touchmove"]) removeEventListener(name, this.scrolled);
  }

  /** Load words and hits, then go to the time in the URL. */
  async load(signal) {
    const time = Number.parseFloat(this.query.get("t"));
    if (time >= 0 && this.isPlayable && !(player.playing && this.isCurrent)) player.cue(this.recording, time);
    showTags(this.recording, this.heading, signal); // in parallel: the page does not wait for it
    await this.transcript.open();
    await this.correction.load();
    const { total } = this.words;
    this.facts.append(` · ${count(total, "word")}`);
    if (!total) this.transcript.element.append(el("p", { class: "soft" }, "No words were recognized in this recording."));
    if (this.query.get("q")) await this.loadHits(signal);
    announce(`${title(this.recording.path)}, ${spoken(this.recording.duration)}.`);
    if (time >= 0) {
      await this.scrollTo(time);
      this.position = this.hits.findIndex((hit) => hit.end > time);
      const end = Number.parseFloat(this.query.get("to"));
      if (end > time && total) await this.selection.showQuote(time, end);
    } else if (this.isCurrent && player.playing) this.showWord();
    this.showPosition();
    this.showTime();
  }

  async loadHits(signal) {
    const response = await get("/search", searchParameters(this.query, { id: this.recording.id, path: "", order: "time", limit: 500 }), signal);
    this.hits = response.hits;
    this.transcript.setHits(this.hits);
    this.wave?.setHits(this.hits);
    markHits(this.recording.id, this.hits);
    const button = (name, step, label) => el("button", { class: "quiet", type: "button", "aria-label": label, title: label, onclick: () => this.move(step) }, icon(name));
    this.positionText = el("span", { class: "position" });
    this.jump.replaceChildren(this.positionText, button("up", -1, "Previous hit (k)"), button("down", 1, "Next hit (j)"));
    this.jump.hidden = !this.hits.length;
  }

  showPosition() {
    if (!this.hits.length) return;
    const all = count(this.hits.length, "hit");
    this.positionText.textContent = this.position < 0 ? `${all} of “${this.query.get("q")}”` : `${this.position + 1} of ${all}`;
  }

  /** True if the player has this recording. */
  get isCurrent() {
    return player.recording?.id === this.recording.id;
  }

  /** Play from a time, and put it into the URL; without sound, go there. */
  play(time) {
    this.updateUrl(time);
    if (!this.isPlayable) return void this.scrollTo(time);
    player.play(this.recording, time);
    markHits(this.recording.id, this.hits);
    return undefined;
  }

  updateUrl(time) {
    const query = new URLSearchParams(location.search);
    query.set("t", Math.round(time * 10) / 10);
    query.delete("to");
    history.replaceState(history.state, "", `${location.pathname}?${query}`);
  }

  async scrollTo(time) {
    const index = await this.words.at(time);
    await this.transcript.show(index);
    this.transcript.mark(index);
  }

  /** Go `step` hits forward; play the hit if the player is playing. */
  async move(step) {
    if (!this.hits.length) return;
    this.position = this.position < 0 && step < 0 ? 0 : Math.min(Math.max(this.position + step, 0), this.hits.length - 1);
    const hit = this.hits[this.position];
    this.showPosition();
    announce(`${this.positionText.textContent}, at ${spoken(hit.start)}.`);
    if (player.playing && this.isPlayable) player.play(this.recording, hit.start - LEAD);
    else if (this.isPlayable) player.cue(this.recording, hit.start - LEAD);
    markHits(this.recording.id, this.hits);
    this.updateUrl(Math.max(hit.start - LEAD, 0));
    await this.scrollTo(hit.start);
  }

  toggle() {
    if (this.isCurrent) player.toggle();
    else if (this.isPlayable) this.play(0);
  }

  open() {}

  showTime() {
    this.wave?.setTime(this.isCurrent ? player.time : null);
  }

  showWord() {
    if (!this.isCurrent) return;
    this.transcript.mark(player.index);
    const elapsed = performance.now() - (this.scrolledAt ?? -SCROLL_PAUSE_MS);
    if (!player.playing || elapsed < SCROLL_PAUSE_MS) return;
    const box = this.transcript.span(player.index)?.getBoundingClientRect();
    if (!box || box.top < 140 || box.bottom > innerHeight - 150) this.transcript.show(player.index, { smooth: Boolean(box) });
  }
}

/** List item of a recording on the start page. */
export function recordingItem(recording) {
  return el("li", {}, el("a", { href: `/r/${encodeURIComponent(recording.id)}` }, title(recording.path)),
    el("span", { class: "details" }, recording.path.split("/").slice(0, -1).join("/") || "/"), el("span", { class: "at" }, clock(recording.duration)));
}
