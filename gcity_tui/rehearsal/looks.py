"""What the programs look like whose part is played: prompts, busy lines, dialogs, titles, folded pastes, as data.

Wording and glyphs were observed on claude 2.1, codex 0.169, gemini 0.61 and opencode 1.18 in tmux.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """One program's screen. Format fields: verb, spin, secs, tokens, topic, dir, tool, input, text."""

    name: str
    banner: str
    frame: str  # how the composer is framed: rules | box | bar | none
    prompt: str
    placeholder: str
    user: str
    say: str
    think: str
    tool: str
    result: str
    more: str
    busy: str
    spin: tuple[str, ...]
    done: str
    interrupted: str
    footer_idle: str
    footer_busy: str
    queue_head: str
    queue_line: str
    title_idle: str  # titles take `mark` besides: what the program turns in its title while it is busy
    title_busy: str
    title_ask: str
    ask_head: str
    ask_question: str
    ask_cursor: str
    ask_other: str
    ask_foot: str
    fold_label: str
    fold_chars: int
    fold_lines: int
    escapes: int = 1  # how many Escapes interrupt
    escape_hint: str = ""
    steers: bool = False  # Enter while busy reaches the running turn at its next step, Tab waits for its end
    letters: bool = False  # y, p and n answer a dialog
    marks: tuple[str, ...] = ("⠋", "⠙", "⠹", "⠸")
    flat_options: bool = False  # options side by side, left and right move


VERBS = ("Boogieing", "Pondering", "Brewing", "Whirring", "Noodling", "Simmering")

CLAUDE = Look(
    name="claude",
    banner="✻ Rehearsal in the look of Claude Code: a scripted agent, no model",
    frame="rules",
    prompt="❯\u00a0",
    placeholder="",
    user="❯ {text}",
    say="● {text}",
    think="∴ {text}",
    tool="● {tool}({input})",
    result="  ⎿  {text}",
    more="     {text}",
    busy="{spin} {verb}… ({secs}s · ↓ {tokens} tokens)",
    spin=("·", "✢", "*", "✻", "✽"),
    done="✻ Baked for {secs}s",
    interrupted="  ⎿  Interrupted · What should Claude do instead?",
    footer_idle="  ? for shortcuts · ← for agents · rehearsal-claude",
    footer_busy="  esc to interrupt · rehearsal-claude",
    queue_head="",
    queue_line="  ❯ {text}",
    title_idle="✳ Claude Code",
    title_busy="{mark} {topic}",
    title_ask="✳ {topic}",
    ask_head=" {tool} command\n\n   {input}\n",
    ask_question=" Do you want to proceed?",
    ask_cursor=" ❯ ",
    ask_other="   ",
    ask_foot=" Esc to cancel · Tab to amend · ctrl+e to explain",
    marks=("⠂", "⠐"),
    fold_label="[Pasted text #{n} +{lines} lines]",
    fold_chars=800,
    fold_lines=3,
)

CODEX = Look(
    name="codex",
    banner=">_ Rehearsal in the look of OpenAI Codex: a scripted agent, no model",
    frame="none",
    prompt="› ",
    placeholder="Ask Codex to do anything",
    user="› {text}",
    say="• {text}",
    think="• {text}",
    tool="• Ran {input}",
    result="  └ {text}",
    more="    {text}",
    busy="• Working ({secs}s • esc to interrupt)",
    spin=("⠋", "⠙", "⠹", "⠸", "⠼", "⠴"),
    done="─ Worked for {secs}s ─",
    interrupted="■ Conversation interrupted - use /feedback if something went wrong",
    footer_idle="  rehearsal-codex · {dir} · {topic} · ? for shortcuts",
    footer_busy="  rehearsal-codex · {dir} · {topic} · tab to queue message",
    queue_head="• Messages to be submitted after next tool call (press esc to interrupt and send immediately)",
    queue_line="  ↳ {text}",
    title_idle="{topic} | {dir}",
    title_busy="{mark} {topic} | {dir}",
    title_ask="[ ! ] Action Required | {topic} | {dir}",
    ask_head="  Would you like to run the following command?\n\n  $ {input}\n",
    ask_question="",
    ask_cursor="› ",
    ask_other="  ",
    ask_foot="  Press enter to confirm or esc to cancel",
    fold_label="[Pasted Content {chars} chars]",
    fold_chars=1000,
    fold_lines=10_000,
    steers=True,
    letters=True,
)

GEMINI = Look(
    name="gemini",
    banner="✦ Rehearsal in the look of Gemini CLI: a scripted agent, no model",
    frame="box",
    prompt="> ",
    placeholder="  Type your message or @path/to/file",
    user=" > {text}",
    say="✦ {text}",
    think="✦ {text}",
    tool=" ✓  {tool} {input}",
    result="    {text}",
    more="    {text}",
    busy=" {spin} Thinking... (esc to cancel, {secs}s)",
    spin=("⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"),
    done="",
    interrupted="ℹ Request cancelled.",
    footer_idle=" {dir}   no sandbox   rehearsal-gemini",
    footer_busy=" {dir}   no sandbox   rehearsal-gemini",
    queue_head=" Queued (press ↑ to edit):",
    queue_line="   {text}",
    title_idle="◇  Ready ({dir})",
    title_busy="✦  Working… ({dir})",
    title_ask="✋  Action Required ({dir})",
    ask_head=" ?  Shell {input}\n",
    ask_question=" Allow execution of [{tool}]?",
    ask_cursor=" ● ",
    ask_other="   ",
    ask_foot="",
    fold_label="[Pasted Text: {chars} chars]",
    fold_chars=500,
    fold_lines=5,
)

OPENCODE = Look(
    name="opencode",
    banner="▣ Rehearsal in the look of OpenCode: a scripted agent, no model",
    frame="bar",
    prompt="",
    placeholder="Ask anything...",
    user="┃  {text}",
    say="   {text}",
    think="   {text}",
    tool="   $ {input}",
    result="   {text}",
    more="   {text}",
    busy="   ⬝⬝■■ esc interrupt",
    spin=("⬝",),
    done="   ▣ Build · rehearsal · {secs}s",
    interrupted="   ▣ Build · rehearsal · interrupted",
    footer_idle="   rehearsal-opencode   {dir}   ctrl+p commands",
    footer_busy="   rehearsal-opencode   {dir}   esc interrupt",
    queue_head="",
    queue_line="┃  {text}  QUEUED",
    title_idle="OC | {topic}",
    title_busy="OC | {topic}",
    title_ask="OC | {topic}",
    ask_head="△ Permission required\n   # {tool}\n   $ {input}\n",
    ask_question="",
    ask_cursor="▸ ",
    ask_other="▹ ",
    ask_foot="   ⇆ select  enter confirm",
    fold_label="[Pasted ~{rows} lines]",
    fold_chars=150,
    fold_lines=1,
    escapes=2,
    escape_hint="   esc again to interrupt",
    flat_options=True,
)

PLAIN = Look(
    name="plain",
    banner="rehearsal: a scripted agent, no model",
    frame="none",
    prompt="rehearsal> ",
    placeholder="",
    user="> {text}",
    say="{text}",
    think="({text})",
    tool="$ {input}",
    result="  {text}",
    more="  {text}",
    busy="working… ({secs}s, esc to interrupt)",
    spin=("-",),
    done="done in {secs}s",
    interrupted="interrupted",
    footer_idle="",
    footer_busy="",
    queue_head="",
    queue_line="queued: {text}",
    title_idle="rehearsal ready",
    title_busy="rehearsal busy: {topic}",
    title_ask="rehearsal asks: {topic}",
    ask_head="approval wanted: {tool}: {input}",
    ask_question="proceed?",
    ask_cursor="> ",
    ask_other="  ",
    ask_foot="a number answers",
    fold_label="[pasted {lines} lines]",
    fold_chars=2000,
    fold_lines=10,
)

LOOKS = {look.name: look for look in (CLAUDE, CODEX, GEMINI, OPENCODE, PLAIN)}
