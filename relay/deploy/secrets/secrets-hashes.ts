/** Of PBKDF2, as Authelia's own (its `--variant sha512`). */
const pbkdf2Rounds = 310_000;

/** PBKDF2-HMAC-SHA512 of stdin with a salt in hex, 64 bytes, as Authelia and passlib write it. */
export const pbkdf2ByPython = `import sys, hashlib, base64
salt = bytes.fromhex(sys.argv[1])
made = hashlib.pbkdf2_hmac("sha512", sys.stdin.buffer.read(), salt, ${pbkdf2Rounds})
text = lambda some: base64.b64encode(some, b"./").decode().rstrip("=")
print("$pbkdf2-sha512$${pbkdf2Rounds}$%s$%s" % (text(salt), text(made)), end="")`;

/** The same, where there is no Python. Both are given as one argument, and hold no single quote. */
export const pbkdf2ByPerl = `use Digest::SHA qw(hmac_sha512); use MIME::Base64;
binmode STDIN; local $/; my $v = <STDIN>; my $salt = pack "H*", $ARGV[0];
my $u = hmac_sha512($salt . pack("N", 1), $v); my $made = $u;
for (2 .. ${pbkdf2Rounds}) { $u = hmac_sha512($u, $v); $made ^= $u }
sub text { my $t = encode_base64($_[0], ""); $t =~ tr{+=}{.}d; $t }
print "\\$pbkdf2-sha512\\$${pbkdf2Rounds}\\$" . text($salt) . "\\$" . text($made);`;

/** bcrypt of stdin by crypt(3): it reads no more than 72 bytes, and ends at a NUL. */
export const bcryptByPerl = `binmode STDIN; local $/; my $v = <STDIN> // "";
exit 3 if length $v > 72 || $v =~ /\\0/;
my $made = crypt($v, $ARGV[0]) // ""; exit 4 unless index($made, $ARGV[0]) == 0 && length $made == 60; print $made;`;
