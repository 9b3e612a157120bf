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
  return Plotly.newPlot(plot, data, layout, config);
}
// one after another, each in a turn of its own, so that the text can be read and scrolled at once
(function next() {
  const plot = plots.find((one) => !one.classList.contains("js-plotly-plot"));
  if (plot) draw(plot).then(() => setTimeout(next));
  else document.documentElement.dataset.drawn = "all";
})();
// paper is narrower than most screens
function resize(change) {
  document.querySelectorAll(".js-plotly-plot").forEach((plot) => Plotly.relayout(plot, change(plot)));
}
addEventListener("beforeprint", () => resize((plot) => ({ width: Math.min(plot.clientWidth, 660) })));
addEventListener("afterprint", () => resize(() => ({ width: null, autosize: true })));
