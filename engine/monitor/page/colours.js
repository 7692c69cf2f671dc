// The colour of a label, the same everywhere: [on light, on dark], each 4.5:1 or more on its ground.
// Names mean the same in every model that uses them; other labels take the next of OTHERS.

const KNOWN = {
  anger: ["#bb2d22", "#ff8a7d"], angry: ["#bb2d22", "#ff8a7d"],
  happiness: ["#8f5d00", "#f2bd4b"], happy: ["#8f5d00", "#f2bd4b"], joy: ["#8f5d00", "#f2bd4b"],
  sadness: ["#2563ad", "#7db6ff"], sad: ["#2563ad", "#7db6ff"],
  neutral: ["#5b6270", "#a9b2c1"],
  fear: ["#7440ad", "#c4a0ff"], fearful: ["#7440ad", "#c4a0ff"],
  disgust: ["#46701f", "#9ed375"],
  surprise: ["#ab3a78", "#ff9ccb"], surprised: ["#ab3a78", "#ff9ccb"],
  calm: ["#0f6f66", "#5fd6c8"], boredom: ["#6d5a3d", "#cdb68d"],
  negative: ["#b23c17", "#ff9a72"], positive: ["#0f6f66", "#5fd6c8"],
};
const VALENCE = { low: KNOWN.negative, medium: KNOWN.neutral, high: KNOWN.positive };
const AROUSAL = { low: ["#2563ad", "#7db6ff"], medium: ["#7440ad", "#c4a0ff"], high: ["#ab3a78", "#ff9ccb"] };
const OTHERS = [KNOWN.sadness, KNOWN.anger, KNOWN.calm, KNOWN.happiness, KNOWN.fear, KNOWN.disgust, KNOWN.surprise];

const dark = matchMedia("(prefers-color-scheme: dark)");

export function onThemeChange(then) {
  dark.addEventListener("change", then);
}

export function colour(target, label, labels) {
  const scale = target === "valence" ? VALENCE : target === "arousal" ? AROUSAL : {};
  const pair = scale[label] ?? KNOWN[label] ?? OTHERS[Math.max(0, labels.indexOf(label)) % OTHERS.length];
  return pair[dark.matches ? 1 : 0];
}

export function variable(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
