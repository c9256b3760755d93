// One recording: its waveform, its hits, its whole transcript.

import { asked, get } from "./api.js";
import { markStrip } from "./dock.js";
import { announce, el, icon } from "./dom.js";
import { player } from "./player.js";
import { LEAD } from "./results.js";
import { clock, count, duration, spoken, title } from "./telling.js";
import { Transcript } from "./transcript.js";
import { Waveform } from "./waveform.js";
import { wordsOf } from "./words.js";

const HANDS_OFF = 4000; // milliseconds after scrolling by hand in which the page does not follow what is said

export class RecordingView {
  constructor(recording, query) {
    this.recording = recording;
    this.query = query;
    this.hits = [];
    this.at = -1; // of the hits
    this.words = wordsOf(recording.id);
    this.wave = new Waveform(recording, { onseek: (time) => this.go(time) });
    this.transcript = new Transcript(this.words, { onplay: (time) => this.go(time) });
    this.jump = el("div", { class: "jump", hidden: true });
    const back = query.get("q")
      ? el("a", { class: "back", href: `/?${asked(query)}` }, icon("back"), `All places of “${query.get("q")}”`)
      : el("a", { class: "back", href: "/" }, icon("back"), "All recordings");
    const facts = [duration(recording.duration), `indexed ${recording.added.slice(0, 10)}`];
    this.facts = el("p", { class: "where" }, facts.join(" · "));
    this.element = el("article", { class: "recording" },
      el("nav", { "aria-label": "Back" }, back),
      el("h1", {}, title(recording.path)),
      ...recording.paths.map((path) => el("p", { class: "path" }, path)),
      this.facts, this.wave.element, this.jump, this.transcript.element);
    this.listeners = [["time", () => this.time()], ["word", () => this.word()], ["load", () => this.time()]];
    for (const [name, listener] of this.listeners) player.addEventListener(name, listener);
    this.scrolled = () => (this.touched = performance.now());
    for (const name of ["wheel", "touchmove"]) addEventListener(name, this.scrolled, { passive: true });
  }

  close() {
    this.wave.close();
    this.transcript.close();
    for (const [name, listener] of this.listeners) player.removeEventListener(name, listener);
    for (const name of ["wheel", "touchmove"]) removeEventListener(name, this.scrolled);
  }

  /** Read what is to be shown; then go to the time that the address names. */
  async load(signal) {
    const time = Number.parseFloat(this.query.get("t"));
    if (time >= 0 && !(player.playing && this.here)) player.cue(this.recording, time);
    await this.transcript.open();
    const { total } = this.words;
    this.facts.append(` · ${count(total, "word")}`);
    if (!total) this.transcript.element.append(el("p", { class: "soft" }, "No words were recognized in it."));
    if (this.query.get("q")) await this.find(signal);
    announce(`${title(this.recording.path)}, ${spoken(this.recording.duration)}.`);
    if (time >= 0) {
      await this.goTo(time);
      this.at = this.hits.findIndex((hit) => hit.end > time);
    } else if (this.here && player.playing) this.word();
    this.tell();
    this.time();
  }

  async find(signal) {
    const answer = await get("/search", asked(this.query, { id: this.recording.id, path: "", order: "time", limit: 500 }), signal);
    this.hits = answer.hits;
    this.transcript.found(this.hits);
    this.wave.mark(this.hits);
    markStrip(this.recording.id, this.hits);
    const step = (name, by, label) => el("button", { class: "quiet", type: "button", "aria-label": label, title: label, onclick: () => this.move(by) }, icon(name));
    this.place = el("span", { class: "place" });
    this.jump.replaceChildren(this.place, step("up", -1, "Place before (k)"), step("down", 1, "Next place (j)"));
    this.jump.hidden = !this.hits.length;
  }

  tell() {
    if (!this.hits.length) return;
    const all = count(this.hits.length, "place");
    this.place.textContent = this.at < 0 ? `${all} of “${this.query.get("q")}”` : `${this.at + 1} of ${all}`;
  }

  get here() {
    return player.recording?.id === this.recording.id;
  }

  /** Play from a time on, and let the address say so. */
  go(time) {
    player.play(this.recording, time);
    markStrip(this.recording.id, this.hits);
    this.write(time);
  }

  write(time) {
    const query = new URLSearchParams(location.search);
    query.set("t", Math.round(time * 10) / 10);
    history.replaceState(history.state, "", `${location.pathname}?${query}`);
  }

  async goTo(time) {
    const index = await this.words.at(time);
    await this.transcript.show(index);
    this.transcript.mark(index);
  }

  /** Go to the hit that is so many further; play it if something plays. */
  async move(step) {
    if (!this.hits.length) return;
    this.at = this.at < 0 && step < 0 ? 0 : Math.min(Math.max(this.at + step, 0), this.hits.length - 1);
    const hit = this.hits[this.at];
    this.tell();
    announce(`${this.place.textContent}, at ${spoken(hit.start)}.`);
    if (player.playing) player.play(this.recording, hit.start - LEAD);
    else player.cue(this.recording, hit.start - LEAD);
    markStrip(this.recording.id, this.hits);
    this.write(Math.max(hit.start - LEAD, 0));
    await this.goTo(hit.start);
  }

  toggle() {
    if (this.here) player.toggle();
    else this.go(0);
  }

  open() {}

  time() {
    this.wave.show(this.here ? player.time : null);
  }

  word() {
    if (!this.here) return;
    this.transcript.mark(player.index);
    const left = performance.now() - (this.touched ?? -HANDS_OFF);
    if (!player.playing || left < HANDS_OFF) return;
    const box = this.transcript.span(player.index)?.getBoundingClientRect();
    if (!box || box.top < 140 || box.bottom > innerHeight - 150) this.transcript.show(player.index, { smooth: Boolean(box) });
  }
}

/** A line for a recording in the list of all. */
export function recordingLine(recording) {
  return el("li", {}, el("a", { href: `/r/${encodeURIComponent(recording.id)}` }, title(recording.path)),
    el("span", { class: "where" }, recording.path.split("/").slice(0, -1).join("/") || "/"), el("span", { class: "at" }, clock(recording.duration)));
}
