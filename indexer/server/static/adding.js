// The view that adds recordings and removes them, of servers that allow changes.

import { forgetLibrary, get, send } from "./api.js";
import { announce, el, toast } from "./dom.js";
import { count, duration } from "./format.js";
import { RemovalList } from "./removal.js";
import { cancelUpload, isSending, megabytes, upload, uploads } from "./uploads.js";

const POLL_MS = 1000;
const STATES = { waiting: "waiting", done: "done", failed: "failed", canceled: "canceled" };

export class Adding {
  constructor() {
    this.limits = { max_bytes: Infinity, free_bytes: Infinity, folders: [], uploads: "" };
    this.rows = new Map(); // key → row
    this.ended = null; // ids of jobs that had ended; null before the first poll
    this.picker = el("input", { id: "files", type: "file", multiple: true, class: "visually-hidden", onchange: () => this.pick() });
    this.space = el("p", { class: "details" });
    this.zone = el("div", { class: "drop" }, this.picker, el("label", { for: "files", class: "primary" }, "Choose files"), el("p", {}, "or drop recordings here"), this.space);
    for (const type of ["dragenter", "dragover"]) this.zone.addEventListener(type, (event) => this.drag(event, true));
    for (const type of ["dragleave", "drop"]) this.zone.addEventListener(type, (event) => this.drag(event, false));
    this.folders = el("datalist", { id: "known-folders" });
    this.folder = el("input", { id: "folder", name: "folder", type: "text", list: "known-folders", required: true, autocomplete: "off", spellcheck: "false", placeholder: "/srv/recordings" });
    this.form = el("form", { class: "folder-form", onsubmit: (event) => this.addFolder(event) }, el("label", { for: "folder" }, "A folder on the server"), this.folder, el("button", { class: "primary" }, "Add folder"), this.folders);
    this.problem = el("p", { class: "wrong", role: "alert" });
    this.list = el("ol", { class: "jobs" });
    this.progress = el("section", { "aria-labelledby": "jobs-title", hidden: true }, el("h2", { id: "jobs-title" }, "Additions"), this.list);
    this.removal = new RemovalList(() => this.limits.uploads);
    this.element = el("div", { class: "adding" }, el("h1", {}, "Add recordings"), this.zone, this.form, this.problem, this.progress, this.removal.element);
  }

  async load(signal) {
    document.title = "Add recordings · audiosearch";
    await this.poll();
    await this.removal.load(signal);
    this.timer = setInterval(() => this.poll().catch((error) => this.show(error)), POLL_MS);
  }

  show(error) {
    this.problem.textContent = error.message;
  }

  drag(event, over) {
    event.preventDefault();
    this.zone.classList.toggle("over", over);
    if (event.type === "drop") this.add([...event.dataTransfer.files]);
  }

  pick() {
    this.add([...this.picker.files]);
    this.picker.value = "";
  }

  add(files) {
    upload(files, this.limits);
    this.poll().catch((error) => this.show(error));
  }

  async addFolder(event) {
    event.preventDefault();
    this.problem.textContent = "";
    try {
      await send("POST", "/additions", { folder: this.folder.value.trim() });
      this.folder.value = "";
      await this.poll();
    } catch (error) {
      this.show(error);
    }
  }

  /** Show the state of uploads and jobs. */
  async poll() {
    const state = await get("/additions");
    this.limits = state;
    this.space.textContent = `Up to ${megabytes(state.max_bytes)} each; the server has space for ${megabytes(state.free_bytes)}.`;
    if (this.folders.children.length !== state.folders.length) this.folders.replaceChildren(...state.folders.map((path) => new Option("", path)));
    const pending = uploads.filter((item) => item.state !== "sent");
    const keys = new Set();
    const entries = [...pending.map((item) => [item, uploadRow(item)]), ...state.jobs.map((job) => [job.id, jobRow(job)])];
    entries.forEach(([key, row], place) => {
      keys.add(key);
      const shown = this.rows.get(key) ?? this.newRow(key);
      shown.show(row);
      if (this.list.children[place] !== shown.element) this.list.insertBefore(shown.element, this.list.children[place] ?? null);
    });
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue;
      row.element.remove();
      this.rows.delete(key);
    }
    this.progress.hidden = !entries.length;
    this.tellEnded(state.jobs);
  }

  /** Announce jobs that have ended since the last poll, and show their recordings. */
  tellEnded(jobs) {
    const ended = jobs.filter((job) => !["waiting", "running"].includes(job.state));
    const recent = this.ended ? ended.filter((job) => !this.ended.has(job.id)) : [];
    this.ended = new Set(ended.map((job) => job.id));
    if (!recent.length) return;
    forgetLibrary();
    announce(recent.map((job) => `${job.name}: ${jobRow(job).text}`).join(" "));
    this.removal.load();
  }

  newRow(key) {
    const row = new Row();
    this.rows.set(key, row);
    return row;
  }

  close() {
    clearInterval(this.timer);
    if (isSending()) toast("The upload goes on while this page is open.");
  }

  // The keys of other views do nothing here

  move() {}

  toggle() {}

  open() {}
}

/** A line of the list: name, state, bar, errors and a button. */
class Row {
  constructor() {
    this.name = el("span", { class: "name" });
    this.text = el("span", { class: "details" });
    this.bar = el("progress", {});
    this.errors = el("ul", { class: "errors" });
    this.cancel = el("button", { class: "plain", type: "button", onclick: () => this.action?.() }, "Cancel");
    this.element = el("li", {}, el("p", {}, this.name, " ", this.text), this.cancel, this.bar, this.errors);
  }

  show({ name, text, value, active, errors, cancel }) {
    this.action = cancel;
    if (this.name.textContent !== name) this.name.textContent = name;
    if (this.text.textContent !== text) this.text.textContent = text;
    this.bar.hidden = !active;
    this.cancel.hidden = !active;
    this.bar.setAttribute("aria-label", `Progress of ${name}`);
    this.cancel.setAttribute("aria-label", `Cancel ${name}`);
    if (value === null) this.bar.removeAttribute("value");
    else this.bar.value = value;
    if (this.errors.children.length !== errors.length) this.errors.replaceChildren(...errors.map((error) => el("li", {}, error)));
  }
}

function uploadRow(item) {
  const active = item.state === "waiting" || item.state === "sending";
  const isChecked = item.state === "sending" && item.sent >= item.size;
  const text = isChecked ? "being checked" : item.state === "sending" ? `${megabytes(item.sent)} of ${megabytes(item.size)} sent` : item.state;
  return { name: item.name, text, value: item.state === "sending" && !isChecked ? item.sent / item.size : null, active, errors: item.error ? [item.error] : [], cancel: () => cancelUpload(item) };
}

function jobRow(job) {
  const active = job.state === "waiting" || job.state === "running";
  const results = [
    job.added && `${count(job.added, "recording")} added`,
    job.known && `${count(job.known, "recording")} known already`,
    job.failed && `${count(job.failed, "file")} not usable`,
  ].filter(Boolean);
  let text = STATES[job.state] ?? job.stage;
  if (job.state === "running" && job.total) text = `${job.stage}, ${duration(job.done)} of ${duration(job.total)}`;
  if (!active) text = [job.state === "done" && results.length ? null : text, results.join(", ") || (job.state === "done" ? "no recordings there" : null)].filter(Boolean).join("; ");
  const value = job.state === "running" && job.total ? Math.min(job.done / job.total, 1) : null;
  const cancel = () => send("DELETE", `/additions/${job.id}`).catch((error) => toast(error.message));
  return { name: job.name, text, value, active, errors: job.errors, cancel };
}
