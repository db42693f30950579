#!/bin/sh
# install.sh [AGENT …] - put real agent programs from their registries into $GCITY_AGENTS (default: the user's cache).
# Versions are those that the providers' data were written against; LATEST=1 takes the newest. What is there is kept.
# Only when they are named: kimi (with a Node.js of its own, as it needs 22.19), aider (from PyPI, 700 MB), grok, omp
# (with a Bun of its own), auggie and amp (which need an account: only their flags are looked at).
set -eu
where=${GCITY_AGENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/gcity-tui/agents}
mkdir -p "$where/bin"

from_npm() {  # AGENT PACKAGE … → a link to its program
  command -v npm >/dev/null 2>&1 || { echo "npm is missing: install Node.js 20 or newer" >&2; exit 1; }
  agent=$1; shift
  npm install --silent --no-fund --no-audit --prefix "$where/$agent" "$@" >/dev/null
  ln -sf "$where/$agent/node_modules/.bin/$agent" "$where/bin/$agent"
}

run_by() {  # RUNNER AGENT → a program that is run by the Node.js or Bun beside it
  made=$where/$2/node_modules/.bin
  rm -f "$where/bin/$2"
  printf '#!/bin/sh\nexec "%s/%s" "%s/%s" "$@"\n' "$made" "$1" "$made" "$2" >"$where/bin/$2"
  chmod +x "$where/bin/$2"
}

from_pypi() {  # AGENT PACKAGE → a link to its program in an environment of its own
  python=${PYTHON:-python3}
  "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' ||
    { echo "$1 needs Python 3.10 to 3.12: name one by PYTHON=" >&2; exit 1; }
  "$python" -m venv "$where/$1"
  "$where/$1/bin/python" -m pip install --quiet --disable-pip-version-check "$2" >/dev/null
  ln -sf "$where/$1/bin/$1" "$where/bin/$1"
}

for agent in ${*:-claude codex gemini opencode qwen pi copilot}; do
  case $agent in
    claude) package=@anthropic-ai/claude-code version=2.1.197 ;;
    codex) package=@openai/codex version=0.169.0 ;;
    gemini) package=@google/gemini-cli version=0.61.0 ;;
    opencode) package=opencode-ai version=1.18.33 ;;
    qwen) package=@qwen-code/qwen-code version=0.15.10 ;;
    pi) package=@mariozechner/pi-coding-agent version=0.73.1 ;;
    copilot) package=@github/copilot version=1.0.102 ;;
    kimi) package=@moonshot-ai/kimi-code version=2.1.0 ;;
    aider) package=aider-chat version=0.86.2 ;;
    grok) package=@xai-official/grok version=1.0.41 ;;
    omp) package=@oh-my-pi/pi-coding-agent version=18.2.0 ;;
    auggie) package=@augmentcode/auggie version=0.36.0 ;;
    amp) package=@sourcegraph/amp version=0.0.1790142911-g7618fb ;;
    *) echo "no such agent: $agent (claude, codex, gemini, opencode, qwen, pi, copilot, kimi, aider, grok, omp," \
         "auggie, amp)" >&2; exit 2 ;;
  esac
  [ -n "${LATEST:-}" ] && version=latest
  if [ -x "$where/bin/$agent" ] && [ "$(cat "$where/$agent/.version" 2>/dev/null)" = "$version" ]; then continue; fi
  echo "installing $agent ($package $version)"
  case $agent in
    aider) if [ "$version" = latest ]; then from_pypi aider "$package"; else from_pypi aider "$package==$version"; fi ;;
    kimi) from_npm kimi "$package@$version" node@22 && run_by node kimi ;;
    omp) from_npm omp "$package@$version" bun@1.3.14 && run_by bun omp ;;
    *) from_npm "$agent" "$package@$version" ;;
  esac
  echo "$version" > "$where/$agent/.version"
done
