// One target's rolling timeline: the mean probability of every label, thick where it was voted, and the vote.

import { colour, variable } from "./colours.js";
import { clock, isUnlike, statusOf } from "./text.js";

const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false, scrollZoom: false };
const STEPS_S = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const MOST_POINTS = 1500;

export function drawTimeline(chart, { target, labels }, states, window_s, unsure_below) {
  const stop = Math.max(states.at(-1)?.stop_s ?? 0, window_s || 10);
  const start = window_s ? stop - window_s : Math.min(states[0]?.stop_s ?? 0, stop - 10);
  const shown = thinned(states.filter((state) => state.stop_s >= start - 5));
  Plotly.react(
    chart,
    [...labels.flatMap((label) => lines(target, label, labels, shown)), ...votes(target, labels, shown)],
    layout(start, stop, unsure_below),
    CONFIG,
  );
  const last = states.at(-1);
  chart.setAttribute(
    "aria-label",
    last
      ? `Timeline of ${target} from ${clock(Math.max(0, start))} to ${clock(stop)}, now ` +
          `${last.label ?? "no speech"}, confidence ${last.confidence.toFixed(2)} ${statusOf(last)}`
      : `Timeline of ${target}, still empty`,
  );
}

function thinned(states) {
  const every = Math.ceil(states.length / MOST_POINTS);
  return every > 1 ? states.filter((_, at) => (states.length - 1 - at) % every === 0) : states;
}

function lines(target, label, labels, states) {
  const x = states.map((state) => state.stop_s);
  const paint = colour(target, label, labels);
  const all = states.map((state) => state.probabilities[label] ?? null);
  const voted = states.map((state) => (state.label === label ? state.probabilities[label] : null));
  const common = { x, type: "scatter", name: label, hoverlabel: { namelength: -1 } };
  return [
    { ...common, y: all, mode: "lines", line: { color: paint, width: 1.4 }, opacity: 0.75,
      hovertemplate: "%{y:.2f}" },
    { ...common, y: voted, mode: "lines+markers", line: { color: paint, width: 4 }, marker: { color: paint, size: 4 },
      hoverinfo: "skip" },
  ]; // prettier-ignore
}

// Consecutive states of one label and status are one bar below the lines; hatched where the vote is unsure,
// crosswise where that is because the voice is unlike the training data.
function votes(target, labels, states) {
  const runs = [];
  for (const [at, state] of states.entries()) {
    const from = at ? states[at - 1].stop_s : state.start_s;
    const last = runs.at(-1);
    const shape = state.status !== "unsure" ? "" : isUnlike(state) ? "x" : "/";
    if (last && last.label === state.label && last.shape === shape) last.stop = state.stop_s;
    else runs.push({ label: state.label, shape, start: from, stop: state.stop_s });
  }
  const paint = (run) => (run.label === null ? variable("--track") : colour(target, run.label, labels));
  return [
    {
      type: "bar",
      orientation: "h",
      y: runs.map(() => "vote"),
      base: runs.map((run) => run.start),
      x: runs.map((run) => run.stop - run.start),
      yaxis: "y2",
      width: 1,
      marker: {
        color: runs.map(paint),
        line: { width: 0 },
        pattern: {
          shape: runs.map((run) => run.shape),
          fgcolor: variable("--card"),
          size: 6,
          solidity: 0.4,
        },
      },
      hoverinfo: "skip",
    },
  ];
}

function layout(start, stop, unsure_below) {
  const soft = variable("--soft");
  const line = variable("--line");
  const step = STEPS_S.find((one) => (stop - start) / one <= 7) ?? 14400;
  const ticks = [];
  for (let at = Math.ceil(Math.max(0, start) / step) * step; at <= stop; at += step) ticks.push(at);
  return {
    margin: { l: 38, r: 10, t: 8, b: 26 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: { color: soft, size: 12, family: "system-ui, sans-serif" },
    showlegend: false,
    dragmode: false,
    hovermode: "x unified",
    hoverlabel: { bgcolor: variable("--card"), bordercolor: line, font: { color: variable("--text") } },
    barmode: "overlay",
    xaxis: {
      range: [start, stop], fixedrange: true, tickvals: ticks, ticktext: ticks.map((at) => clock(at)),
      gridcolor: line, zeroline: false, anchor: "y2", unifiedhovertitle: { text: " " },
    },
    yaxis: { domain: [0.16, 1], range: [0, 1.02], fixedrange: true, tickvals: [0, 0.5, 1], gridcolor: line,
      zeroline: false },
    yaxis2: { domain: [0, 0.09], fixedrange: true, showgrid: false, ticks: "", zeroline: false },
    shapes: unsure_below
      ? [{ type: "line", xref: "paper", x0: 0, x1: 1, yref: "y", y0: unsure_below, y1: unsure_below,
          line: { color: soft, width: 1, dash: "dot" } }]
      : [],
    annotations: unsure_below
      ? [{ xref: "paper", x: 1, yref: "y", y: unsure_below, text: "unsure below", showarrow: false,
          xanchor: "right", yanchor: "top", font: { size: 11, color: soft } }]
      : [],
  }; // prettier-ignore
}
