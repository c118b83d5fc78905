/**
 * The program by which a machine that is only spoken to through an `Exec` does what `Machine` says: Perl with what
 * perl-base has, which is essential on every Debian. It is given as one argument and never changes. What is asked for
 * comes on stdin, as the number of fields, the fields, each ended by NUL, and the rest as bytes. It answers alike: `K`, or
 * `E` with an errno's name or a reason, and a detail. Both are in hex, because not every way keeps bytes.
 */
export const remoteProgram = String.raw`
use strict; use warnings; use Fcntl; use Errno;
binmode STDIN; binmode STDOUT; umask 077;
my $in = pack 'H*', do { local $/; <STDIN> };
sub take { my $at = index($in, "\0"); exit 9 if $at < 0; my $one = substr($in, 0, $at); substr($in, 0, $at + 1) = ''; $one }
my @f = map { take() } 1 .. take();
my $op = shift @f;

sub answer { my ($kind, $rest, @fields) = @_;
  print unpack('H*', join('', map { "$_\0" } $kind, scalar(@fields), @fields) . $rest); exit 0 }
sub fields { answer('K', '', @_) }
sub refuse { answer('E', '', $_[0], $_[1]) }
sub errname { for my $name (keys %!) { return $name if $!{$name} } 'EIO' }
sub fault { refuse(errname(), $_[0]) }
sub durable { require IO::Handle; IO::Handle::sync($_[0]) }
sub end { kill 'KILL', $$ }

# The folder of a path, opened part by part without following a link (openat(2) by way of /proc/self/fd). Empty when a
# part of the way is missing and that is no fault here, or whatever stands in the way where nothing is.
my $DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
my %dirs;
sub seat { my ($path, $soft) = @_; %dirs = () if keys %dirs > 256; # An agent may open 1024 files.
  my @parts = split m{/}, substr($path, 1); my $last = pop @parts; my $way = '';
  unless ($dirs{''}) { sysopen($dirs{''}, '/', $DIR) or fault('/') }
  my $dir = $dirs{''};
  for my $part (@parts) {
    $way .= "/$part";
    unless ($dirs{$way}) {
      unless (sysopen(my $next, '/proc/self/fd/' . fileno($dir) . "/$part", $DIR)) {
        return () if $soft eq 'any' || ($soft eq 'missing' && $!{ENOENT});
        refuse('symlink', $path) if $!{ENOTDIR} || $!{ELOOP};
        fault($path);
      } else { $dirs{$way} = $next }
    }
    $dir = $dirs{$way};
  }
  return ($dir, '/proc/self/fd/' . fileno($dir) . "/$last") }
sub beside { '/proc/self/fd/' . fileno($_[0]) . "/$_[1]" }
sub ids { my ($u, $g) = split /:/, $_[0], 2; return () unless defined $g;
  my $uid = $u =~ /^\d+$/ ? $u : getpwnam($u); my $gid = $g =~ /^\d+$/ ? $g : getgrnam($g);
  return defined $uid && defined $gid ? ($uid, $gid) : () }
sub owner { my @ids = ids($_[0]); refuse('owner_unknown', $_[0]) unless @ids; @ids }
my $NOHANG = 1;
my $READ = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
my $PIN = 010000000 | O_NOFOLLOW; # O_PATH

my %ops = (
  stat => sub { fields(map { looked($_, 'missing') } @_) },

  owners => sub { fields(map { join ' ', ids($_) } @_) },

  digest => sub { my ($most, @paths) = @_; fields(sums($most, @paths)) },

  look => sub { my ($most, @rest) = @_; my $list = sub { splice(@rest, 0, shift @rest) };
    my @read = map { bytes($_, \$most) } $list->(); my @paths = $list->(); my @sums = sums(shift @rest, @paths);
    my @owners = map { join ' ', ids($_) } $list->();
    answer('K', join('', grep { defined } @read), (map { defined $_ ? length $_ : '' } @read),
      (map { looked($_, 'any') } @paths), @sums, @owners, units(@rest)) },

  list => sub { my ($path, $most) = @_; my (undef, $at) = seat($path, '');
    sysopen(my $dir, $at, $DIR) or fault($path); opendir(my $list, '/proc/self/fd/' . fileno($dir)) or fault($path);
    my @names = grep { $_ ne '.' && $_ ne '..' } readdir $list;
    @names > $most ? refuse('too_large', $path) : fields(@names) },

  read => sub { my ($path, $from, $most) = @_; my (undef, $at) = seat($path, '');
    sysopen(my $file, $at, $READ) or fault($path); refuse('not_a_file', $path) unless -f $file;
    sysseek($file, $from, 0); my $bytes = '';
    while (length $bytes < $most) {
      my $n = sysread($file, $bytes, $most - length $bytes, length $bytes); defined $n or fault($path); last unless $n }
    answer('K', $bytes, -s $file) },

  files => sub { my $from = 0;
    while (@_) { my ($path, $name, $size, $mode, $who) = splice @_, 0, 5;
      place($path, $name, substr($in, $from, $size), $mode, $who); $from += $size }
    fields() },

  change => sub {
    while (@_) { my ($do, $path, $mode, $who, $source, $name) = splice @_, 0, 6; %dirs = ();
      if ($do eq 'remove') { removed($path) || $!{ENOTEMPTY} || $!{EEXIST} || fault($path) }
      elsif ($do eq 'folder') { folder($path, $mode, $who) }
      elsif ($do eq 'listing') { listing($path, $mode, $who) }
      elsif ($do eq 'link') { linked($path, $source, $name) }
      else { my $left = 64 * 1024 * 1024; my $bytes = bytes($source, \$left);
        defined $bytes or refuse('not_found', $source); place($path, $name, $bytes, $mode, $who) } }
    fields() },

  append => sub { my ($path, $name, $from) = @_; my ($dir) = seat($path, ''); my $part = beside($dir, $name);
    sysopen(my $file, $part, O_WRONLY | O_NOFOLLOW | ($from == 0 ? O_CREAT | O_EXCL : 0), 0600) or fault($path);
    sysseek($file, $from, 0);
    for (my $done = 0; $done < length $in;) { my $n = syswrite($file, $in, length($in) - $done, $done); defined $n or fault($path); $done += $n }
    fields() },

  drop => sub { my ($path, $name) = @_; my ($dir) = seat($path, ''); unlink beside($dir, $name); fields() },

  install => sub { my ($path, $name, $size, $mode, $who) = @_;
    my @ids = owner($who); my ($dir, $at) = seat($path, ''); my $part = beside($dir, $name);
    sysopen(my $file, $part, O_RDWR | O_NOFOLLOW) or fault($path);
    refuse('machine_error', "$path was cut short") unless -s $file == $size;
    refuse('not_a_file', $path) if lstat($at) && -d _;
    chown(@ids, $file) && chmod(oct $mode, $file) && durable($file) && rename($part, $at) or fault($path);
    durable($dir); fields() },

  folder => sub { folder(@_); fields() },

  listing => sub { listing(@_); fields() },

  rename => sub { my ($from, $to) = @_; my ($dir, $at) = seat($from, ''); my ($goal, $there) = seat($to, '');
    refuse('exists', $to) if lstat($there) && -d _;
    rename($at, $there) or fault($from); durable($goal); durable($dir); fields() },

  remove => sub { removed($_[0]) or fault($_[0]); fields() },

  run => \&run,
);

sub looked { my ($path, $soft) = @_; my (undef, $at) = seat($path, $soft); my @s = defined $at ? lstat($at) : ();
  @s ? sprintf('%s %04o %d %d %d', (-l _ ? 'link' : -f _ ? 'file' : -d _ ? 'folder' : 'other'), $s[2] & 07777, $s[4], $s[5], $s[7])
    . (-l _ ? ' ' . (readlink($at) // '') : '') : '' }

sub opened { my (undef, $at) = seat($_[0], 'any'); return undef unless defined $at && sysopen(my $file, $at, $READ);
  -f $file ? $file : undef }

# One program for many files: each is named by its descriptor, so that nothing can take its place.
sub sums { my ($most, @paths) = @_; my @sums = ('') x @paths;
  for (my $from = 0; $from < @paths; $from += 100) {
    my %files; my $to = $from + 99 < $#paths ? $from + 99 : $#paths;
    for my $at ($from .. $to) { my $file = opened($paths[$at]); $files{$at} = $file if $file && -s $file <= $most }
    my @at = sort { $a <=> $b } keys %files or next;
    my $pid = open(my $said, '-|'); defined $pid or fault('fork');
    if (!$pid) { fcntl($files{$_}, F_SETFD, 0) for @at; exec('sha256sum', '--', map { '/proc/self/fd/' . fileno $files{$_} } @at) or end() }
    my @lines = <$said>; close $said; @lines == @at or next;
    for my $line (@lines) { my $at = shift @at; $sums[$at] = $1 if $line =~ /^([0-9a-f]{64})/ } }
  @sums }

# A whole file, or undef where none is; what may still be read is counted down.
sub bytes { my ($path, $left) = @_; my $file = opened($path) or return undef; my $bytes = '';
  while (1) { my $n = sysread($file, $bytes, 65536, length $bytes); defined $n or fault($path); last unless $n;
    refuse('too_large', $path) if length $bytes > $$left }
  $$left -= length $bytes; $bytes }

sub units { my (@names) = @_; return () unless @names;
  my $pid = open(my $said, '-|'); defined $pid or fault('fork');
  if (!$pid) { open(STDERR, '>', '/dev/null'); no warnings;
    exec('systemctl', 'show', '-p', 'LoadState,ActiveState,Type,Result', '--', @names) or end() }
  my @blocks = do { local $/ = ''; <$said> }; close $said;
  @blocks == @names or refuse('machine_error', 'systemctl show'); @blocks }

sub folder { my ($path, $mode, $who) = @_; my @ids = owner($who); my ($dir, $at) = seat($path, '');
  if (lstat $at) { refuse('symlink', $path) if -l _; refuse('exists', $path) unless -d _ }
  else { mkdir($at, 0700) or fault($path); durable($dir) }
  lists($path, $at, $mode, @ids) }

sub listing { my ($path, $mode, $who) = @_; my @ids = owner($who); my (undef, $at) = seat($path, '');
  lists($path, $at, $mode, @ids) }

# Whoever owns the folder may put a link there at any moment: what was looked at is what is changed.
sub lists { my ($path, $at, $mode, @ids) = @_; sysopen(my $pin, $at, $PIN) or fault($path);
  refuse('symlink', $path) if ((stat $pin)[2] & 0170000) == 0120000;
  my $pinned = '/proc/self/fd/' . fileno $pin; chown(@ids, $pinned) && chmod(oct $mode, $pinned) or fault($path) }

sub linked { my ($path, $to, $name) = @_; my ($dir, $at) = seat($path, ''); my $part = beside($dir, $name);
  refuse('not_a_file', $path) if lstat($at) && -d _;
  symlink($to, $part) or fault($path); rename($part, $at) or do { my $why = errname(); unlink $part; refuse($why, $path) };
  $dir->sync }

sub removed { my ($path) = @_; my ($dir, $at) = seat($path, 'missing'); return 1 unless defined $at;
  lstat $at or return $!{ENOENT};
  (-d _ ? rmdir $at : unlink $at) or return 0; durable($dir); 1 }

# Puts a whole file there, by way of another name beside it.
sub place { my ($path, $name, $bytes, $mode, $who) = @_; my @ids = owner($who); my ($dir, $at) = seat($path, '');
  my $part = beside($dir, $name); my $file;
  my $bad = sub { my $why = errname(); unlink $part; refuse($why, $path) };
  refuse('not_a_file', $path) if lstat($at) && -d _;
  sysopen($file, $part, O_WRONLY | O_NOFOLLOW | O_CREAT | O_EXCL, 0600) or fault($path);
  for (my $done = 0; $done < length $bytes;) { my $n = syswrite($file, $bytes, length($bytes) - $done, $done); defined $n or $bad->(); $done += $n }
  chown(@ids, $file) && chmod(oct $mode, $file) && durable($file) && rename($part, $at) or $bad->();
  durable($dir) }

# Since boot: no clock that somebody sets.
sub seconds { open(my $uptime, '<', '/proc/uptime') or fault('/proc/uptime'); (split ' ', <$uptime>)[0] }

sub run { my ($timeout, $most, $file, $count, @rest) = @_;
  my %env = splice(@rest, 0, 2 * $count); my @argv = @rest;
  my ($source, $feed);
  if (length $file) { my (undef, $at) = seat($file, ''); sysopen($source, $at, O_RDONLY | O_NOFOLLOW) or fault($file); unlink $at }
  else { pipe($source, $feed) or fault('pipe') }
  pipe(my $out, my $outw) && pipe(my $err, my $errw) && pipe(my $said, my $saidw) or fault('pipe');
  my $pid = fork; defined $pid or fault('fork');
  if (!$pid) { setpgrp(0, 0); chdir '/'; %ENV = %env;
    open(STDIN, '<&', $source); open(STDOUT, '>&', $outw); open(STDERR, '>&', $errw);
    { no warnings; exec { $argv[0] } @argv } syswrite($saidw, errname()); end() }
  setpgrp($pid, $pid); close $_ for $outw, $errw, $saidw, $source; $SIG{PIPE} = 'IGNORE';
  if ($feed) {
    if (!fork) { close $out; close $err;
      for (my $done = 0; $done < length $in;) { my $n = syswrite($feed, $in, length($in) - $done, $done); last unless $n; $done += $n }
      end() }
    close $feed }
  my %got = (fileno($out) => '', fileno($err) => ''); my %left = (fileno($out) => $out, fileno($err) => $err);
  my $until = seconds() + $timeout / 1000; my $cause = '';
  while (!$cause && %left) {
    my $left = $until - seconds(); $cause = 'timeout', last if $left <= 0;
    my $bits = ''; vec($bits, $_, 1) = 1 for keys %left;
    next unless select(my $ready = $bits, undef, undef, $left) > 0;
    for my $at (grep { vec($ready, $_, 1) } keys %left) {
      if (!sysread($left{$at}, my $bytes, 65536)) { delete $left{$at} }
      else { $got{$at} .= $bytes; $cause = 'too_large' if length $got{$at} > $most } } }
  while (!$cause && !waitpid($pid, $NOHANG)) {
    if (seconds() > $until) { $cause = 'timeout' } else { select undef, undef, undef, 0.01 } }
  my $status = $?;
  if ($cause) { kill 'KILL', -$pid; waitpid($pid, 0); refuse($cause, $argv[0]) }
  sysread($said, my $missing, 64);
  refuse($missing eq 'ENOENT' || $missing eq 'EACCES' ? 'program_missing' : 'machine_error', $argv[0]) if length $missing;
  my $code = $status & 127 ? 128 + ($status & 127) : $status >> 8;
  answer('K', $got{fileno $out} . $got{fileno $err}, $code, length $got{fileno $out}) }

exists $ops{$op} ? $ops{$op}->(@f) : refuse('machine_error', "no operation $op");
`;
