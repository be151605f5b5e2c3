/** The look of a report: one column, quiet, light or dark as the reader's system is, fit to print. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --quiet: #5b6672; --line: #d9dee4; --panel: #f5f7f9; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171b; --ink: #e6e9ed; --quiet: #9aa5b1; --line: #30363d; --panel: #1c2127; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2.5rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.6rem 0 .6rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.6rem 0 .2rem; }
p { margin: .4rem 0 .8rem; max-width: 46rem; }
.quiet { color: var(--quiet); fill: var(--quiet); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .8rem; margin: 1.4rem 0; }
.figures div { background: var(--panel); border-radius: .5rem; padding: .8rem 1rem; }
.figures dt { color: var(--quiet); font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures dd small { display: block; font-size: .8rem; font-weight: 400; color: var(--quiet); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } tbody th { font-weight: 400; } td.number, th.number { text-align: right; padding-left: .8rem; white-space: nowrap; }
table.states td, table.states th { text-align: center; padding: .2rem .5rem; }
table.states th:first-child, table.states td:first-child { text-align: left; }
.present { color: #2a8a4a; } .absent { color: #b26a00; } .unannotated { color: var(--quiet); }
@media (prefers-color-scheme: dark) { .present { color: #58c27d; } .absent { color: #e0a04a; } }
.chart-box { overflow-x: auto; }
svg.chart { width: 100%; min-width: 34rem; height: auto; display: block; font-size: 12px; font-family: inherit; }
svg text { fill: var(--ink); font-variant-numeric: tabular-nums; }
svg text.quiet { fill: var(--quiet); }
.grid { stroke: var(--line); stroke-width: 1; }
.curve { fill: none; stroke-width: 2; } .faint { stroke-width: 1; opacity: .3; }
.zero { stroke: var(--quiet); stroke-width: 1.5; }
.dot { fill: #2f6fde; fill-opacity: .45; } .mean { fill: var(--ink); stroke: var(--paper); }
.whisker { stroke: var(--ink); stroke-width: 1.5; opacity: .7; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .85rem; color: var(--quiet); max-width: none; }
.legend i { display: inline-block; width: .75em; height: .75em; border-radius: .15em; margin-right: .4em; }
figure { margin: 1.2rem 0; } figure img { width: 100%; max-width: 56rem; border-radius: .4rem; display: block; }
figcaption { font-size: .85rem; color: var(--quiet); margin-top: .4rem; }
pre { background: var(--panel); border-radius: .4rem; padding: .8rem 1rem; font-size: .82rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.views { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem; align-items: center; }
.views img { justify-self: center; width: 100%; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
details { margin: .6rem 0; } summary { cursor: pointer; }
@media print { body { max-width: none; padding: 0; } h2 { break-after: avoid; } figure, svg { break-inside: avoid; } }
`;
