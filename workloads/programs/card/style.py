"""How the page looks."""

STYLE = """
:root { --ink: #1d2330; --dim: #5d6678; --line: #dfe3ea; --paper: #f6f7f9; --card: #fff; --one: #2563c9;
        --two: #c2570c }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ef; --dim: #9aa4b5; --line: #313845; --paper: #14171d; --card: #1c2028; --one: #74a7ff;
          --two: #ffa05c }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 1100px; margin: 0 auto; padding: 32px 20px 64px }
h1 { margin: 0; font-size: 28px } h2 { margin: 0 0 12px; font-size: 17px } h3 { margin: 16px 0 8px; font-size: 15px }
.about, .note, .legend { color: var(--dim) } .about { margin: 4px 0 20px } .note { margin: 10px 0 0; font-size: 13px }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px;
          margin-bottom: 16px }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: 14px }
th { text-align: left; color: var(--dim); font-weight: 500; white-space: nowrap }
th, td { padding: 6px 16px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top }
tbody tr:last-child td { border-bottom: 0 }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
th:last-child, td:last-child { padding-right: 0 }
dl { display: grid; grid-template-columns: minmax(150px, max-content) 1fr; gap: 4px 20px; margin: 0; font-size: 14px }
dl > div { display: contents } dt { color: var(--dim) } dd { margin: 0; overflow-wrap: anywhere }
.tiles dl { display: flex; flex-wrap: wrap; gap: 14px 40px } .tiles dl > div { display: block }
.tiles dd { font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums }
code { font: 13px/1.5 ui-monospace, monospace } td code { color: var(--dim) }
svg { display: block; width: 100%; height: auto }
svg .grid { stroke: var(--line) } svg .tick { fill: var(--dim); font-size: 12px }
svg .tick.x { text-anchor: middle } svg .tick.y { text-anchor: end; dominant-baseline: middle }
polyline { fill: none; stroke-width: 1.4; stroke-linejoin: round }
.training { stroke: var(--one); background: var(--one) } .held-out { stroke: var(--two); background: var(--two) }
circle.held-out { fill: var(--two) }
.legend { margin: 4px 0 14px; font-size: 13px } .legend span { margin-right: 14px }
.legend i { display: inline-block; width: 14px; height: 3px; margin-right: 6px; vertical-align: middle }
"""
