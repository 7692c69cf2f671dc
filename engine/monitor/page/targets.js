// A card for every target: the state now in words and bars, its timeline, and the last states as a table.

import { colour } from "./colours.js";
import { clock, element, isUnlike, statusOf } from "./text.js";
import { drawTimeline } from "./timeline.js";

const ROWS = 20;

export class Targets {
  constructor(place, template) {
    this.place = place;
    this.template = template;
    this.cards = new Map();
  }

  build(hello) {
    this.hello = hello;
    this.cards.clear();
    this.place.replaceChildren();
    for (const facts of hello.targets) {
      const card = this.template.content.cloneNode(true).firstElementChild;
      const title = card.querySelector("h3");
      title.textContent = facts.target + (facts.track === "text" ? " (from words)" : "");
      title.id = `target-${this.cards.size}`;
      card.setAttribute("aria-labelledby", title.id);
      card.dataset.target = facts.target;
      for (const label of facts.labels) card.querySelector(".bars").append(bar(label));
      this.place.append(card);
      this.cards.set(facts.target, { card, facts, shown: null });
    }
  }

  // Draws what has changed since; everything when `all` (another stream, window or theme).
  draw(stream, window_s, all) {
    for (const [target, entry] of this.cards) {
      const states = stream.states[target] ?? [];
      const last = states.at(-1) ?? null;
      if (!all && entry.shown === last) continue;
      entry.shown = last;
      now(entry, last);
      drawTimeline(entry.card.querySelector(".chart"), entry.facts, states, window_s, this.hello.unsure_below);
      table(entry.card.querySelector("tbody"), states);
    }
  }
}

function bar(label) {
  const item = element("li");
  const name = element("div", "", { class: "name" });
  name.append(element("span", label), element("span", "–", { class: "value" }));
  const track = element("div", "", { class: "bar", "aria-hidden": "true" });
  track.append(element("i"));
  item.append(name, track);
  item.dataset.label = label;
  return item;
}

function now({ card, facts }, state) {
  const find = (selector) => card.querySelector(selector);
  const paint = state?.label ? colour(facts.target, state.label, facts.labels) : "";
  find(".now").style.setProperty("--colour", paint || "var(--track)");
  find(".label").textContent = state ? (state.label ?? "no speech") : "–";
  const status = state?.label && state.status !== "ok" ? state.status : "";
  find(".badge").hidden = !status;
  find(".badge").textContent = status;
  find(".unlike").hidden = !isUnlike(state);
  find(".confidence").textContent = state?.label ? state.confidence.toFixed(2) : "–";
  find(".votes").textContent = state ? `${state.votes[state.label] ?? 0} of ${state.voters}` : "–";
  find(".lag").textContent = state?.lag_ms == null ? "–" : `${Math.round(state.lag_ms)} ms`;
  for (const item of card.querySelectorAll(".bars li")) {
    const share = state?.probabilities[item.dataset.label] ?? 0;
    item.classList.toggle("voted", state?.label === item.dataset.label);
    item.style.setProperty("--colour", colour(facts.target, item.dataset.label, facts.labels));
    item.querySelector(".value").textContent = share.toFixed(2);
    item.querySelector("i").style.width = `${100 * share}%`;
  }
}

function table(body, states) {
  const rows = states.slice(-ROWS).reverse();
  body.replaceChildren(
    ...rows.map((state) => {
      const row = element("tr");
      row.append(
        element("th", clock(state.stop_s, true), { scope: "row" }),
        element("td", state.label ?? "no speech"),
        element("td", state.label ? state.confidence.toFixed(2) : "–"),
        element("td", `${state.votes[state.label] ?? 0} of ${state.voters}`),
        element("td", statusOf(state) || "ok"),
      );
      row.dataset.state = JSON.stringify(state);
      return row;
    }),
  );
}
