#!/usr/bin/env bash
# Deploys the pipeline into a Google Cloud project, or updates what differs: ./deploy.sh --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

command -v node >/dev/null || fail 'node is not installed: https://nodejs.org has it; 20.9 or later is needed'
node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 9) ? 0 : 1)' ||
  fail "node is $(node --version); 20.9 or later is needed: https://nodejs.org has it"
[ -d node_modules/tsx ] || fail 'packages are not installed: run "npm ci"'

exec node --import tsx deploy/main.ts "$@"
