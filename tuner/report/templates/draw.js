"use strict";
const plots = [...document.querySelectorAll(".plot")];
const config = {
  responsive: true,
  displaylogo: false,
  displayModeBar: "hover",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};
function draw(plot) {
  const { data, layout } = JSON.parse(plot.firstElementChild.textContent);
  plot.replaceChildren();
  return Plotly.newPlot(plot, data, layout, config).then(() => {
    plot.on("plotly_hover", ({ points }) => mark(plot, points[0].id));
    plot.on("plotly_unhover", () => mark(plot, null));
  });
}
// a trial that the pointer is on stands out in all other figures
function mark(source, id) {
  for (const plot of plots.filter((one) => one !== source && one.data)) {
    const traces = plot.data.flatMap((trace, index) => (trace.ids ? [index] : []));
    const chosen = (index) => plot.data[index].ids.flatMap((one, at) => (one === id ? [at] : []));
    if (traces.length) Plotly.restyle(plot, { selectedpoints: traces.map((index) => (id ? chosen(index) : null)) }, traces);
  }
}
// a click on a heading sorts its table, a second one the other way round
for (const head of document.querySelectorAll("table.sortable thead th")) {
  head.tabIndex = 0;
  head.onclick = () => {
    const body = head.closest("table").tBodies[0];
    const up = head.ariaSort !== "ascending";
    for (const other of head.parentNode.cells) other.ariaSort = null;
    head.ariaSort = up ? "ascending" : "descending";
    const key = (row) => row.cells[head.cellIndex].textContent.trim();
    const order = (a, b) => (key(a) - key(b) || key(a).localeCompare(key(b), "en", { numeric: true })) * (up ? 1 : -1);
    body.append(...[...body.rows].sort(order));
  };
  head.onkeydown = (event) => event.key === "Enter" && head.click();
}
// one after another, each in a turn of its own, so that the text can be read and scrolled at once
function next() {
  const plot = plots.find((one) => !one.classList.contains("js-plotly-plot"));
  if (plot) draw(plot).then(() => setTimeout(next));
  else document.documentElement.dataset.drawn = "all";
}
// the library is packed, which makes it a third as long
const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (one) => one.charCodeAt(0));
new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text().then((code) => {
  const script = document.createElement("script");
  script.textContent = code;
  document.head.append(script);
  next();
});
// paper is narrower than most screens
function resize(change) {
  document.querySelectorAll(".js-plotly-plot").forEach((plot) => Plotly.relayout(plot, change(plot)));
}
addEventListener("beforeprint", () => resize((plot) => ({ width: Math.min(plot.clientWidth, 660) })));
addEventListener("afterprint", () => resize(() => ({ width: null, autosize: true })));
