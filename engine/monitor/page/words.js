// What was said: settled sentences in the colour of their valence, then words that are in no sentence yet.

import { colour } from "./colours.js";
import { clock, element, statusOf } from "./text.js";

const SHOWN = 60;

export function drawWords(list, stream, hello) {
  const texts = hello.targets.filter((one) => one.track === "text");
  const facts = texts.find((one) => one.target === "valence") ?? texts[0];
  const states = new Map((stream.states[facts?.target] ?? []).map((state) => [state.stop_s.toFixed(3), state]));
  const items = stream.sentences.slice(-SHOWN).map((sentence) => item(sentence, states, facts));
  const after = stream.sentences.at(-1)?.stop_s ?? 0;
  const loose = stream.words.filter((word) => word.start_s >= after - 0.001);
  if (loose.length || stream.partial.length) items.push(open(loose, stream.partial));
  const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 30;
  list.replaceChildren(...items);
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function item(sentence, states, facts) {
  const made = element("li");
  const said = element("p", sentence.text, { class: "said" });
  const state = states.get(sentence.stop_s.toFixed(3));
  if (state?.label) {
    const tag = element("span", `${facts.target} ${state.label}${state.status === "unsure" ? `, ${statusOf(state)}` : ""}`, { class: "tag" });
    said.style.setProperty("--colour", colour(facts.target, state.label, facts.labels));
    said.append(" ", tag);
  }
  made.append(element("time", clock(sentence.start_s)), said);
  return made;
}

function open(words, partial) {
  const made = element("li");
  const said = element("p", words.map((word) => word.text).join(" "), { class: "said" });
  if (partial.length) said.append(" ", element("span", partial.map((word) => word.text).join(" "), { class: "partial" }));
  made.append(element("time", clock((words[0] ?? partial[0]).start_s)), said);
  return made;
}
