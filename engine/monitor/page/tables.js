// Plugins and the ledger.

import { clock, count, element } from "./text.js";

export function drawPlugins(body, plugins) {
  body.replaceChildren(
    ...plugins.map((plugin) => {
      const row = element("tr");
      const name = element("th", plugin.plugin, { scope: "row" });
      name.append(element("small", ` ${plugin.role}`));
      const restarts = plugin.workers.reduce((sum, worker) => sum + worker.restarts, 0);
      row.append(
        name,
        element("td", plugin.condition, { class: `condition ${plugin.condition}` }),
        element("td", count(plugin.answered)),
        element("td", count(plugin.failed + plugin.late)),
        element("td", plugin.workers.length ? count(restarts) : "–"),
      );
      return row;
    }),
  );
}

export function drawLag(place, lags) {
  if (!lags.length) {
    place.textContent = "";
    return;
  }
  const sorted = [...lags].sort((one, other) => one - other);
  const quantile = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  place.textContent = `lag: median ${quantile(0.5)} ms, 95 % below ${quantile(0.95)} ms`;
}

export function drawFaults(place, faults) {
  place.hidden = !faults.length;
  const items = faults.slice(-5).reverse();
  place.querySelector("ul").replaceChildren(
    ...items.map((fault) => element("li", `${clock(fault.start_s, true)} ${fault.plugin}: ${fault.error}`)),
  );
}

export function drawLedger(body, balance, edges) {
  let open = 0;
  let holds = true;
  body.replaceChildren(
    ...Object.entries(edges).map(([name, edge]) => {
      const dropped = Object.values(edge.dropped).reduce((sum, one) => sum + one, 0);
      open += edge.in_flight;
      holds &&= edge.received === edge.processed + dropped + edge.in_flight;
      const row = element("tr");
      const title = element("th", name, { scope: "row" });
      title.append(element("small", ` ${edge.unit}`));
      const lost = element("td", count(dropped), dropped ? { class: "dropped" } : {});
      for (const [reason, one] of Object.entries(edge.dropped)) {
        lost.append(element("small", `${count(one)} ${reason.replaceAll("_", " ")}`));
      }
      row.append(title, element("td", count(edge.received)), element("td", count(edge.processed)), lost,
        element("td", count(edge.in_flight)));
      return row;
    }),
  );
  balance.textContent = !body.children.length ? "" : holds ? "received = processed + dropped + in flight" : "does not reconcile";
}
