#!/bin/sh
# Makes the passwords of docker-compose.yml, one file each. Safe to repeat: what is there stays as it is.
# The folder may be entered by its owner only. The files may be read, because a container's user is another one than you:
# each container is shown those that it names, and no other.
set -eu

folder="$(dirname "$0")/../secrets"
umask 077
mkdir -p "$folder"
chmod 0700 "$folder"

keep() {
  if [ -s "$folder/$1" ]; then
    cat > /dev/null
  else
    cat > "$folder/.$1.new"
    chmod 0444 "$folder/.$1.new"
    mv -f "$folder/.$1.new" "$folder/$1"
    echo "made secrets/$1"
  fi
}

for name in postgres_password temporal_db_password store_db_password grafana_admin_password; do
  openssl rand -hex 24 | tr -d '\n' | keep "$name"
done
printf 'postgresql://surehand:%s@postgres/surehand' "$(cat "$folder/store_db_password")" | keep store_url
