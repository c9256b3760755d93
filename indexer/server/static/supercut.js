// Hits that are chosen: their quotes, and their sound joined in one file.

import { ApiError } from "./api.js";
import { announce, el, icon, toast } from "./dom.js";
import { formatChoice, hasSound, save } from "./download.js";
import { clock, count, duration, spoken, title } from "./format.js";
import { copy, quoteOfHit } from "./quote.js";

const PADDING = 0.25; // seconds before and after each hit, as in `audiosearch query --supercut`

export class Choice {
  /** Checkboxes, shown on demand, and a button to copy the quote, in every item that enters a list of hits. */
  constructor(list) {
    this.list = list;
    this.isOpen = false;
    this.button = el("button", { class: "tool", type: "button", "aria-expanded": "false", onclick: () => this.toggle() }, icon("check"), "Choose hits");
    this.text = el("span", { class: "selected" });
    this.format = formatChoice();
    this.copyButton = el("button", { class: "tool", type: "button", onclick: () => this.copyQuotes() }, icon("quote"), "Copy quotes");
    this.saveButton = el("button", { class: "tool", type: "button", onclick: () => this.saveSupercut() }, icon("download"), "Download supercut");
    this.allButton = el("button", { class: "tool", type: "button", onclick: () => this.checkAll() }, "All");
    this.progress = el("progress", { "aria-label": "Supercut", hidden: true });
    this.cancelButton = el("button", { class: "tool", type: "button", hidden: true, onclick: () => this.request?.abort() }, "Cancel");
    this.bar = el("div", { class: "choice-bar", role: "group", "aria-label": "Chosen hits", hidden: true },
      this.text, this.allButton, this.copyButton, el("span", { class: "clip" }, this.saveButton, this.format), this.progress, this.cancelButton,
      el("button", { class: "quiet", type: "button", "aria-label": "Stop choosing", title: "Stop choosing (Escape)", onclick: () => this.toggle() }, icon("close")));
    this.element = el("div", { class: "choice", hidden: true }, this.button, this.bar);
    for (const element of [list, this.bar]) element.addEventListener("keydown", (event) => this.handleKey(event));
    list.addEventListener("change", (event) => event.target.closest(".pick") && this.show());
    new MutationObserver(() => this.equip()).observe(list, { childList: true, subtree: true });
  }

  /** List items of hits, in the order of the page. */
  get items() {
    return [...this.list.querySelectorAll("li")].filter((item) => item.hit);
  }

  get chosen() {
    return this.items.filter((item) => item.querySelector(".pick input")?.checked);
  }

  /** Add the controls to new items. */
  equip() {
    const { items } = this;
    for (const item of items) {
      if (item.querySelector(".pick")) continue;
      const { recording, hit } = item.hit;
      const name = `${title(recording.path)} at ${spoken(hit.start)}`;
      item.prepend(el("label", { class: "pick" }, el("input", { type: "checkbox", "aria-label": `Choose ${name}` })));
      item.querySelector(".hit").after(el("button", { class: "open quote", type: "button", "aria-label": `Copy the quote from ${name}`, title: "Copy the quote with its link",
        onclick: () => copy(quoteOfHit(item.hit), `Quote at ${clock(hit.start)} copied with its link.`) }, icon("quote")));
    }
    this.element.hidden = !items.length;
    if (this.isOpen) this.show();
  }

  /** Show or hide the checkboxes; hiding them clears the choice. */
  toggle() {
    this.isOpen = !this.isOpen;
    this.request?.abort();
    this.list.classList.toggle("choosing", this.isOpen);
    this.button.setAttribute("aria-expanded", String(this.isOpen));
    this.bar.hidden = !this.isOpen;
    for (const item of this.chosen) item.querySelector(".pick input").checked = false;
    this.show();
    if (this.isOpen) this.list.querySelector(".pick input")?.focus();
    else this.button.focus();
  }

  handleKey(event) {
    if (event.key !== "Escape" || !this.isOpen) return;
    event.stopPropagation();
    this.toggle();
  }

  /** Choose all hits that are shown, or none if they are. */
  checkAll() {
    const { items } = this;
    const checked = this.chosen.length < items.length;
    for (const item of items) item.querySelector(".pick input").checked = checked;
    this.show();
  }

  /** Show the number and duration of the chosen hits. */
  show() {
    const { chosen, items } = this;
    const audible = chosen.filter((item) => hasSound(item.hit.recording));
    const seconds = audible.reduce((sum, { hit: { hit } }) => sum + hit.end - hit.start + 2 * PADDING, 0);
    const silent = chosen.length - audible.length;
    const parts = [count(chosen.length, "hit"), ...(audible.length ? [duration(Math.max(1, seconds))] : []), ...(silent ? [`${silent} without sound`] : [])];
    const text = chosen.length ? parts.join(", ") : "No hit chosen";
    if (this.isOpen && this.text.textContent !== text) announce(`${text}.`);
    this.text.textContent = text;
    this.allButton.textContent = items.length && chosen.length === items.length ? "None" : "All";
    this.copyButton.disabled = !chosen.length;
    this.saveButton.disabled = !audible.length || Boolean(this.request);
  }

  copyQuotes() {
    const { chosen } = this;
    copy(chosen.map((item) => quoteOfHit(item.hit)).join("\n\n"), `${count(chosen.length, "quote")} copied with their links.`);
  }

  /** Save the sound of the chosen hits as one file. */
  async saveSupercut() {
    const hits = this.chosen.map((item) => item.hit).filter(({ recording }) => hasSound(recording));
    const clips = hits.map(({ recording, hit }) => ({ id: recording.id, start: hit.start, end: hit.end }));
    this.request = new AbortController();
    this.showProgress(`Joining ${count(clips.length, "hit")}…`);
    try {
      await save("/supercut", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ clips, format: this.format.value, padding: PADDING }),
        signal: this.request.signal,
      });
    } catch (error) {
      if (error.name === "AbortError") announce("Canceled.");
      else if (error instanceof ApiError) toast(error.message);
      else throw error;
    } finally {
      this.request = null;
      this.showProgress(null);
    }
  }

  showProgress(text) {
    this.progress.hidden = this.cancelButton.hidden = text === null;
    this.show();
    if (text === null) return;
    this.text.textContent = text;
    announce(text);
  }
}
