/**
 * The beginning of programs that speak to pfSense's REST package (pfrest v2), in Perl, which every Debian with `apt` or
 * Proxmox VE has, with curl for what is sent: the key stands in curl's file of options, not in argv. Leaves `$file`, and
 * `call` for one request.
 *
 * @param usage the program with its arguments, the last three of which are the list, curl's options and the address
 * @param below where in the API its paths stand
 */
export const pfsensePerl = (usage: string, below: string): string => String.raw`use strict;
use warnings;
use IPC::Open2 qw(open2);
use JSON::PP ();

@ARGV == 3 or die "usage: ${usage}\n";
my ($file, $options, $url) = @ARGV;
$url =~ m{^https?://[A-Za-z0-9\[]\S*$} or die "$url is no address of pfSense, such as https://192.168.1.1\n";
my $base = "$url/api/v2${below}";
my $json = JSON::PP->new->utf8->canonical;

sub call {
  my ($method, $path, $body) = @_;
  # The key goes to nobody else, and an error's list, which is empty, is not taken for pfSense's.
  my @argv = ('curl', '--config', $options, '--fail', '--no-location', '--globoff');
  push @argv, '--request', $method, '--header', 'Content-Type: application/json';
  push @argv, '--data-binary', '@-' if defined $body;
  my $pid = open2(my $out, my $in, @argv, '--url', "$base/$path");
  print {$in} $json->encode($body) if defined $body;
  close $in;
  my $text = do { local $/; <$out> } // '';
  waitpid $pid, 0;
  $? == 0 or die "$method $path failed: curl ended with " . ($? >> 8) . "\n";
  my $answer = eval { $json->decode($text) };
  ref $answer eq 'HASH' && ref $answer->{data} && ($answer->{code} // '') eq '200'
    or die "$method $path was not answered as by pfrest\n";
  return $answer->{data};
}

`;
