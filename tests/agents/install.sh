#!/bin/sh
# install.sh [AGENT …] - put real agent programs from the npm registry into $GCITY_AGENTS (default: the user's cache).
# Versions are those that the providers' data were written against; LATEST=1 takes the newest. What is there is kept.
set -eu
where=${GCITY_AGENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/gcity-tui/agents}
mkdir -p "$where/bin"
command -v npm >/dev/null 2>&1 || { echo "npm is missing: install Node.js 20 or newer" >&2; exit 1; }
for agent in ${*:-claude codex gemini opencode qwen pi copilot}; do
  case $agent in
    claude) package=@anthropic-ai/claude-code version=2.1.197 ;;
    codex) package=@openai/codex version=0.169.0 ;;
    gemini) package=@google/gemini-cli version=0.61.0 ;;
    opencode) package=opencode-ai version=1.18.33 ;;
    qwen) package=@qwen-code/qwen-code version=0.15.10 ;;
    pi) package=@mariozechner/pi-coding-agent version=0.73.1 ;;
    copilot) package=@github/copilot version=1.0.102 ;;
    *) echo "no such agent: $agent (claude, codex, gemini, opencode, qwen, pi, copilot)" >&2; exit 2 ;;
  esac
  [ -n "${LATEST:-}" ] && version=latest
  if [ -x "$where/bin/$agent" ] && [ "$(cat "$where/$agent/.version" 2>/dev/null)" = "$version" ]; then continue; fi
  echo "installing $agent ($package@$version)"
  npm install --silent --no-fund --no-audit --prefix "$where/$agent" "$package@$version" >/dev/null
  ln -sf "$where/$agent/node_modules/.bin/$agent" "$where/bin/$agent"
  echo "$version" > "$where/$agent/.version"
done
