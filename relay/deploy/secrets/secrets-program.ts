import { bcryptByPerl, pbkdf2ByPerl, pbkdf2ByPython } from './secrets-hashes.ts';

/** Where things lie on a target. Tests put them elsewhere. */
export type SecretPlaces = {
  /** Writ's own folder, root's alone: `blobs/`, `secrets` (the table), `identity`, `recipient`. */
  readonly home: string;
  /** On tmpfs: filled-in files under `files/`. */
  readonly run: string;
  /** Where the program itself is installed. */
  readonly program: string;
};

export const secretPlaces: SecretPlaces = {
  home: '/var/lib/writ-target',
  run: '/run/writ-target',
  program: '/usr/lib/writ-target/secrets',
};

/**
 * What serves secrets on a target: POSIX sh, age, and what every Debian has (coreutils, findutils, diffutils, flock).
 *
 * - `lookup NAME`, `store`, `delete`, `list`: for Podman, as said below.
 * - `apply`: fills in the files of the table and tells Podman the names. `boot` does it at each boot, where no relay is needed.
 * - `check TABLE [PATH …]`: whether a table could be applied. The paths are files in the way, which must hold what would be
 *   filled in. Changes nothing but what a crash left to be taken over.
 * - `take-over`: replaces secrets of Podman that another driver keeps, where they have the same values.
 * - `identity look|make|anew`: prints the recipient.
 *
 * The table has a line each, its fields parted by tabs: `secret NAME age HEX`, `secret NAME base64 FROM`,
 * `secret NAME bcrypt FROM SALT`, `secret NAME pbkdf2-sha512 FROM SALT`, `secret NAME text BASE64`, `file MODE OWNER HEX PATH`.
 *
 * No value is an argument or in the environment of a program, and none is written but to tmpfs: `printf` is the shell's
 * own, which is looked at first. What goes wrong is the last line of stderr: `writ CODE DETAIL`.
 *
 * How Podman learns of secrets: each name is created once, with the shell driver and a word for a value. Podman freezes the
 * driver's commands in its own list then (containers/common, pkg/secrets/secrets.go, `getDriver(secret.Driver,
 * secret.DriverOptions)`; seen with 5.4.2 without any containers.conf), so the name itself stands in the command, and no
 * list of ids is needed. That also leaves containers.conf and secrets of other drivers as they are. A rotation changes the table
 * alone: `--replace`, which deletes first and leaves none where the store fails, is never used. `list` is never asked by
 * Podman, which lists from its own file; `delete` runs with an empty SECRET_ID where a name does not exist yet, and does
 * nothing here. Podman holds its lock while it looks up, so that `lookup` must not ask Podman for anything.
 */
export const secretsProgram = ({ home, run, program }: SecretPlaces = secretPlaces): string => `#!/bin/sh
# Written by Writ, and written again with each release: what is changed here is lost.
set -u
umask 077
ulimit -c 0 2> /dev/null || :
LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset IFS ENV CDPATH
home='${home}' run='${run}' program='${program}'
table=$home/secrets identity=$home/identity
tab=$(printf '\\t')
work=

die() { printf 'writ %s\\n' "$*" >&2; exit 1; }
[ "$(command -v printf)" = printf ] || die shell_unfit "printf is a program, which would show values"

# A folder on tmpfs for what is in clear, gone when this ends.
open_work() {
  (umask 066; mkdir -p "$run") && [ "$(stat -f -c %T "$run")" = tmpfs ] || die tmpfs_missing "$run"
  work=$(mktemp -d "$run/work.XXXXXX") || die secrets_failed "nothing can be written to $run"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  mkdir "$work/v" "$work/t"
}

# One at a time: a boot's and a release's. What one left that was killed is taken away.
alone() {
  exec 9> "$run/lock" && flock -w 120 9 || die secrets_failed "another run does not end"
  find "$run" -maxdepth 1 -name 'work.*' -mmin +10 -exec rm -rf {} +
}

row() { # NAME: how it is made, in $how $one $two
  while IFS=$tab read -r kind name how one two; do
    [ "$kind" = secret ] && [ "$name" = "$1" ] && return 0
  done < "$table"
  return 1
}

no_name() { case $1 in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9_.-]*) return 0 ;; esac; [ \${#1} -gt 63 ]; }

decrypt() { # NAME HEX: the value on stdout
  command -v age > /dev/null || die age_missing "there is no program age"
  [ -e "$identity" ] || die identity_missing "there is no $identity"
  [ -e "$home/blobs/$2" ] || die secret_unreadable "$1: its file is gone"
  age -d -i "$identity" "$home/blobs/$2"
}

hashed() { # NAME: of stdin, by $how and $two
  if [ "$how" = bcrypt ]; then
    command -v perl > /dev/null || die derived_program_missing "$1 as bcrypt needs perl"
    perl -e '${bcryptByPerl}' "$two"
    case $? in
      0) return ;;
      3) die derived_unfit "$1: bcrypt takes 72 bytes at most, and no NUL" ;;
      *) die derived_program_missing "$1: crypt(3) of this machine knows no bcrypt" ;;
    esac
  fi
  if command -v python3 > /dev/null; then
    python3 -I -S -c '${pbkdf2ByPython}' "$two"
  elif perl -MDigest::SHA -MMIME::Base64 -e 1 2> /dev/null; then
    perl -e '${pbkdf2ByPerl}' "$two"
  else
    die derived_program_missing "$1 as pbkdf2-sha512 needs python3, or perl with Digest::SHA"
  fi || die secrets_failed "$1: its hash cannot be made"
}

value() ( # NAME: puts its bytes at $work/v/NAME, once
  [ ! -e "$work/v/$1" ] || exit 0
  row "$1" || die secret_missing "$1 is in no table"
  part=$work/t/$1.part
  case $how in
    age)
      (decrypt "$1" "$one") > "$part" 2> "$work/said" || {
        said=$(cat "$work/said")
        case $said in
          writ\\ *) printf '%s\\n' "$said" >&2; exit 1 ;;
          *'no identity matched'*) die secret_not_for_target "$1 is encrypted to others than this machine" ;;
        esac
        die secret_unreadable "$1: age cannot decrypt it"
      } ;;
    text) printf %s "$one" | base64 -d > "$work/t/$1" && fill "$work/t/$1" "$1" > "$part" || exit 1 ;;
    base64) value "$one" && base64 -w 0 < "$work/v/$one" > "$part" || exit 1 ;;
    bcrypt | pbkdf2-sha512)
      # Slow on purpose, and Podman asks at each exec: kept in memory until the next release.
      made=$run/made/$(printf %s "$1 $how $one $two" | sha256sum | cut -c 1-64)
      [ -e "$made" ] || {
        value "$one" && hashed "$1" < "$work/v/$one" > "$part" && mkdir -p "$run/made" && mv "$part" "$made" || exit 1
      }
      cat "$made" > "$part" ;;
    *) die secrets_failed "$1: $how is not known here" ;;
  esac
  mv "$part" "$work/v/$1"
)

fill() ( # FILE WHAT: the file with values for its placeholders, on stdout. What is put in is not looked at again.
  rest=$(cat "$1"; echo .)
  rest=\${rest%.}
  mark='~writ:secret:'
  [ \${#rest} -eq "$(wc -c < "$1")" ] || die secret_unreadable "$2 is no text, or gone"
  while :; do
    head=\${rest%%"$mark"*}
    printf %s "$head" || exit 1
    [ \${#head} -lt \${#rest} ] || exit 0
    rest=\${rest#"$head$mark"}
    name=\${rest%%'~'*}
    if [ \${#name} -eq \${#rest} ] || no_name "$name"; then
      printf %s "$mark" || exit 1
      continue
    fi
    value "$name" || exit 1
    put=$(cat "$work/v/$name"; echo .)
    put=\${put%.}
    [ \${#put} -eq "$(wc -c < "$work/v/$name")" ] || die secret_not_text "$name has a NUL, which $2 cannot take"
    printf %s "$put" || exit 1
    rest=\${rest#"$name~"}
  done
)

listed() { chown "$2" "$3" || die owner_unknown "$2 of $4"; chmod "$1" "$3"; } # MODE OWNER FILE PATH

# In place: a container that mounts the file has this very file.
place() { # MODE OWNER HEX PATH
  to=$run/files$4
  fill "$home/blobs/$3" "$4" > "$work/out" || exit 1
  (umask 066; mkdir -p "\${to%/*}") || die secrets_failed "$4 cannot be filled in"
  if [ -f "$to" ] && [ ! -L "$to" ]; then
    listed "$1" "$2" "$to" "$4"
    cmp -s "$work/out" "$to" || cat "$work/out" > "$to" || die secrets_failed "$4 cannot be filled in"
  else
    listed "$1" "$2" "$work/out" "$4"
    mv -fT "$work/out" "$to" || die secrets_failed "$4 cannot be filled in"
  fi
}

files() {
  rm -rf "$run/made"
  : > "$work/wanted"
  [ ! -e "$table" ] || while IFS=$tab read -r kind mode owner hex path <&8; do
    [ "$kind" = file ] || continue
    place "$mode" "$owner" "$hex" "$path"
    printf '%s\\n' "$run/files$path" >> "$work/wanted"
  done 8< "$table"
  [ -d "$run/files" ] || return 0
  find "$run/files" ! -type d > "$work/there"
  grep -Fxv -f "$work/wanted" "$work/there" > "$work/gone"
  while IFS= read -r path <&8; do rm -f "$path"; done 8< "$work/gone"
  find "$run/files" -mindepth 1 -depth -type d -empty -delete
}

# What Podman lists: ID, driver, how it looks up, name; parted by tabs.
known() {
  command -v podman > /dev/null || return 1
  [ ! -e "$work/known" ] || return 0
  ids=$(podman secret ls -q) || die podman_failed "podman secret ls"
  : > "$work/known"
  # shellcheck disable=SC2086
  [ -z "$ids" ] || podman secret inspect --format \\
    '{{.ID}}{{"\\t"}}{{.Spec.Driver.Name}}{{"\\t"}}{{or (index .Spec.Driver.Options "lookup") "-"}}{{"\\t"}}{{.Spec.Name}}' \\
    $ids > "$work/known" || die podman_failed "podman secret inspect"
}

own() { [ "$2" = shell ] && [ "$3" = "$program lookup $4" ]; } # a line of known

create() { # NAME
  printf writ | podman secret create --driver shell --driver-opts \\
    "list=$program list,lookup=$program lookup $1,store=$program store,delete=$program delete" \\
    -- "$1" - > /dev/null || die podman_failed "podman secret create $1"
}

# Podman knows each name of the table, by this program or by what was there before; and no other of this program's.
names() {
  known || return 0
  : > "$work/names"
  [ ! -e "$table" ] || grep "^secret$tab" "$table" | cut -f 2 > "$work/names"
  while IFS=$tab read -r id driver lookup name <&8; do
    own "$id" "$driver" "$lookup" "$name" || continue
    grep -Fxq -e "$name" "$work/names" || podman secret rm "$id" > /dev/null || die podman_failed "podman secret rm $name"
  done 8< "$work/known"
  cut -f 4 "$work/known" | grep -Fxv -f - "$work/names" > "$work/lacking"
  while IFS= read -r name <&8; do create "$name"; done 8< "$work/lacking"
}

# As a container's start would: by Podman, which runs what it was told when the name was created. What was tried with the
# same line of the table is not tried again.
try_names() {
  [ -e "$table" ] && command -v podman > /dev/null || return 0
  [ -e "$run/tried" ] || : > "$run/tried"
  grep "^secret$tab" "$table" > "$work/rows"
  names=$(grep -Fxv -f "$run/tried" "$work/rows" | cut -f 2)
  # shellcheck disable=SC2086
  [ -z "$names" ] || podman secret inspect --showsecret --format '{{.Spec.Name}}' $names > /dev/null 2> "$work/said" ||
    die secret_driver_failed "$(tail -n 1 "$work/said")"
  cp "$work/rows" "$run/tried"
}

# Secrets of the table that another driver of Podman keeps: WORK is told the id, the name, and \`same\` or \`other\`.
foreign() { # WORK
  known || return 0
  while IFS=$tab read -r id driver lookup name <&8; do
    if own "$id" "$driver" "$lookup" "$name" || no_name "$name" || ! row "$name"; then continue; fi
    value "$name" || exit 1
    { cat "$work/v/$name"; echo; } > "$work/ours"
    podman secret inspect --showsecret --format '{{.SecretData}}' "$id" > "$work/theirs" 2> /dev/null || : > "$work/theirs"
    if cmp -s "$work/ours" "$work/theirs"; then "$1" "$id" "$name" same; else "$1" "$id" "$name" other; fi
  done 8< "$work/known"
}

replace() { rm -f "$work/known"; [ "$3" = other ] || { podman secret rm "$1" > /dev/null && create "$2"; } || die podman_failed "$2"; }
claim() {
  [ "$3" = same ] || die secret_foreign "Podman has another secret $2, which Writ did not create"
  printf 'foreign %s\\n' "$2"
}

check() { # TABLE [PATH …]
  look > /dev/null
  # What is in force and could not be taken over then.
  [ ! -e "$table" ] || (foreign replace) 2> /dev/null
  [ ! -e "$table" ] || cp "$table" "$work/before"
  rm -rf "$work/v"
  mkdir "$work/v"
  table=$1
  shift
  [ -e "$work/before" ] || : > "$work/before"
  grep -Fxv -f "$work/before" "$table" > "$work/changed"
  while IFS=$tab read -r kind one two three path <&8; do
    case $kind in
      secret) value "$one" || exit 1 ;;
      file) fill "$home/blobs/$three" "$path" > "$work/out" || exit 1 ;;
      *) continue ;;
    esac
    for claim do
      [ "$kind $claim" != "file $path" ] || cmp -s "$work/out" "$path" || die foreign_file "$path"
    done
  done 8< "$work/changed"
  foreign claim
}

look() {
  command -v age-keygen > /dev/null && command -v age > /dev/null || die age_missing "there is no program age"
  if [ ! -e "$identity" ]; then
    [ ! -e "$home/recipient" ] || die identity_lost "the identity of $(head -c 200 "$home/recipient") is gone"
    die identity_missing "this machine has made no identity"
  fi
  [ "$(stat -c '%u %a' "$identity")" = "$(id -u) 400" ] || die identity_exposed "$identity is not root's alone"
  recipient=$(age-keygen -y "$identity" 2> /dev/null) || die identity_malformed "age cannot read $identity"
  case $recipient in *[!a-z0-9]* | '') die identity_malformed "$identity holds not one key" ;; esac
  printf '%s\\n' "$recipient"
}

# What is there is kept: a link to the new file fails where one is.
make() { # make|anew
  [ -d "$home" ] || mkdir "$home" || die secrets_failed "$home cannot be made"
  if [ ! -e "$identity" ] && { [ "$1" = anew ] || [ ! -e "$home/recipient" ]; }; then
    command -v age-keygen > /dev/null || die age_missing "there is no program age"
    part=$home/.identity.$$
    age-keygen -o "$part" 2> /dev/null && chmod 0400 "$part" && sync "$part" || die secrets_failed "age-keygen failed"
    ln "$part" "$identity" 2> /dev/null
    rm -f "$part"
    sync "$home"
  fi
  recipient=$(look) || exit 1
  [ "$(cat "$home/recipient" 2> /dev/null)" = "$recipient" ] || {
    printf '%s\\n' "$recipient" > "$home/.recipient.$$" && mv -f "$home/.recipient.$$" "$home/recipient"
  } || die secrets_failed "$home/recipient cannot be written"
  printf '%s\\n' "$recipient"
}

case \${1-} in
  lookup)
    [ -n "\${SECRET_ID-}" ] && [ $# -eq 2 ] && ! no_name "$2" && row "$2" || die secret_missing "\${2-}"
    [ "$how" != age ] || { decrypt "$2" "$one"; exit $?; }
    open_work
    value "$2" && cat "$work/v/$2" ;;
  # The value is only a word: secrets come with releases.
  store) [ -n "\${SECRET_ID-}" ] && [ "$(head -c 5)" = writ ] || die secret_foreign "secrets come with Writ's releases" ;;
  delete | list) ;;
  apply) open_work; alone; files; names; try_names ;;
  boot) open_work; alone; files; names ;;
  check) shift; open_work; alone; check "$@" ;;
  take-over) open_work; alone; foreign replace ;;
  identity) case \${2-} in make | anew) make "$2" ;; *) look ;; esac ;;
  *) die secrets_failed "no such word: \${1-}" ;;
esac
`;
