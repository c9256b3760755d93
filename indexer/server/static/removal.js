// The list of recordings that can be removed from the index.

import { ApiError, forgetLibrary, get, send } from "./api.js";
import { announce, el, toast } from "./dom.js";
import { clock, folder, title } from "./format.js";

const PAGE = 50;

export class RemovalList {
  /** `uploadsFolder` returns the folder of uploaded files. */
  constructor(uploadsFolder) {
    this.uploadsFolder = uploadsFolder;
    this.filter = el("input", { id: "filter", type: "search", autocomplete: "off", oninput: () => this.typed() });
    this.tally = el("p", { class: "details" });
    this.list = el("ol", { class: "removable" });
    this.dialog = el("dialog", { "aria-labelledby": "removal-title" });
    this.element = el("section", { "aria-labelledby": "recordings-title" }, el("h2", { id: "recordings-title" }, "Recordings"), el("label", { for: "filter", class: "details" }, "Show those with a part of a path"), this.filter, this.tally, this.list, this.dialog);
  }

  typed() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.load().catch((error) => toast(error.message)), 250);
  }

  async load(signal) {
    const { recordings, total } = await get("/recordings", { limit: PAGE, name: this.filter.value.trim() }, signal);
    this.tally.textContent = total > recordings.length ? `The first ${recordings.length} of ${total.toLocaleString("en")}; type a part of the path to find others.` : total ? "" : "None.";
    this.list.replaceChildren(...recordings.map((recording) => this.item(recording)));
  }

  item(recording) {
    const name = title(recording.path);
    return el(
      "li",
      {},
      el("a", { href: `/r/${encodeURIComponent(recording.id)}` }, name),
      el("span", { class: "details" }, `${folder(recording)}, ${clock(recording.duration)}`),
      el("button", { class: "plain", type: "button", "aria-label": `Remove ${name}`, onclick: () => this.ask(recording, name) }, "Remove"),
    );
  }

  ask(recording, name) {
    const isUploaded = recording.paths.some((path) => path.startsWith(`${this.uploadsFolder()}/`));
    const deletes = el("input", { type: "checkbox", id: "delete-file" });
    const form = el(
      "form",
      { method: "dialog", onsubmit: (event) => event.submitter?.value === "remove" && this.remove(recording, name, deletes.checked) },
      el("h2", { id: "removal-title" }, `Remove “${name}”?`),
      el("p", { class: "tip" }, isUploaded ? "Its transcript is removed from the index. The uploaded file stays on the server unless you delete it, too." : "Its transcript is removed from the index. The file stays, and indexing its folder adds it again."),
      isUploaded ? el("label", { class: "check" }, deletes, "delete the uploaded file for good") : null,
      el("div", { class: "buttons" }, el("button", { class: "plain", value: "cancel" }, "Keep"), el("button", { class: "primary", value: "remove" }, "Remove")),
    );
    this.dialog.replaceChildren(form);
    this.dialog.showModal();
  }

  async remove(recording, name, deletesFile) {
    try {
      await send("DELETE", `/recordings/${encodeURIComponent(recording.id)}`, undefined, deletesFile ? { file: "delete" } : {});
      forgetLibrary();
      announce(`${name} was removed.`);
      await this.load();
      this.filter.focus();
    } catch (error) {
      toast(error.message);
      if (!(error instanceof ApiError)) throw error;
    }
  }
}
