/// The look that all pages share.
enum Stylesheet {
  static let markup: Markup = """
    :root {
      --ground: #f6f5f1; --card: #ffffff; --ink: #1d2126; --soft: #626a73; --line: #e2e0d8; --accent: #b4511f;
      --good: #1c7a4b; --good-ground: #e0f2e7; --bad: #b3261e; --bad-ground: #fbe4e1; --warn: #8a5a00;
      --warn-ground: #fdf0d2; --bar: #d9772f; --code: #f3f1ea;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #14171a; --card: #1c2024; --ink: #e8e6e1; --soft: #9aa3ac; --line: #2e343a; --accent: #f0935c;
        --good: #6fd6a0; --good-ground: #153526; --bad: #ff9d93; --bad-ground: #41201d; --warn: #f2c46b;
        --warn-ground: #3b2e12; --bar: #d9772f; --code: #15181b;
      }
    }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body {
      margin: 0 auto; max-width: 72rem; padding: 2.5rem 1.5rem 4rem; background: var(--ground); color: var(--ink);
      font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
    }
    .brand {
      margin: 0; color: var(--accent); font-size: .8rem; font-weight: 700; letter-spacing: .14em;
      text-transform: uppercase;
    }
    h1 { margin: .1rem 0 .3rem; font-size: 2.1rem; line-height: 1.2; letter-spacing: -.02em; }
    h2 { margin: 2.8rem 0 .9rem; font-size: 1.3rem; letter-spacing: -.01em; }
    h3 { margin: 0; font-size: 1.05rem; overflow-wrap: anywhere; }
    .subtitle, .lead { margin: 0; color: var(--soft); max-width: 48rem; }
    .lead { margin-bottom: 1rem; }
    .badge {
      display: inline-block; padding: .1em .7em; border-radius: 2em; font-size: .42em; font-weight: 600;
      vertical-align: middle; letter-spacing: 0; white-space: nowrap;
    }
    .badge.small { font-size: .8rem; }
    .good { color: var(--good); background: var(--good-ground); }
    .bad { color: var(--bad); background: var(--bad-ground); }
    .incomplete { color: var(--warn); background: var(--warn-ground); }
    .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem; margin-top: 1.6rem; }
    .figure, .card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
    .figure { padding: .9rem 1.1rem; display: flex; flex-direction: column; }
    .figure .label { color: var(--soft); font-size: .82rem; }
    .figure .value { font-size: 1.65rem; font-weight: 650; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
    .figure .note { color: var(--soft); font-size: .8rem; }
    .card { padding: 1.1rem 1.3rem; margin: 0 0 1rem; }
    .scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    th, td { padding: .6rem 1rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
    tr:last-child > td { border-bottom: 0; }
    th { color: var(--soft); font-size: .78rem; font-weight: 600; white-space: nowrap; }
    td.number, th.number { text-align: right; white-space: nowrap; }
    td .what { display: block; color: var(--soft); font-size: .85rem; min-width: 14rem; }
    td strong { white-space: nowrap; }
    .bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: .35rem .9rem; align-items: center; }
    .bars .name { color: var(--soft); font-size: .9rem; }
    .bars .track { height: .7rem; border-radius: .35rem; background: var(--code); overflow: hidden; }
    .bars svg { display: block; width: 100%; height: 100%; }
    .bars rect { fill: var(--bar); }
    .bars .amount { text-align: right; font-variant-numeric: tabular-nums; font-size: .9rem; }
    code, pre { font: .84rem/1.5 ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; }
    pre {
      margin: .7rem 0 0; padding: .8rem 1rem; background: var(--code); border: 1px solid var(--line);
      border-radius: .5rem; overflow-x: auto; max-height: 32rem;
    }
    pre.command { color: var(--accent); font-weight: 600; white-space: pre-wrap; overflow-wrap: anywhere; }
    details { margin-top: .8rem; }
    summary { cursor: pointer; color: var(--soft); }
    .failure { border-left: .3rem solid var(--bad); }
    .failure p { margin: .3rem 0 0; color: var(--soft); }
    .evidence { margin: .7rem 0 0; padding-left: 1.1rem; overflow-wrap: anywhere; }
    @media (max-width: 40rem) {
      body { padding: 1.4rem 1rem 3rem; font-size: 15px; }
      h1 { font-size: 1.65rem; }
      .figures { grid-template-columns: 1fr 1fr; gap: .6rem; }
      .figure .value { font-size: 1.35rem; }
      th, td { padding: .5rem .7rem; }
      .bars { grid-template-columns: 1fr max-content; }
      .bars .name { grid-column: 1; } .bars .amount { grid-column: 2; grid-row: auto; }
      .bars .track { grid-column: 1 / -1; margin-bottom: .3rem; }
      .bars { grid-auto-flow: dense; }
    }
    @media print { body { background: #fff; } .card, .figure, .scroll { break-inside: avoid; } }
    """
}
