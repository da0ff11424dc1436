set -euo pipefail
export GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z
git init -q -b main /tmp/origin
cd /tmp/origin
git config user.name a
git config user.email a@example.com
echo x >file
git add file
git commit -q -m one
git log --format=%H
git clone -q file:///tmp/origin /tmp/clone
git -C /tmp/clone ls-files
