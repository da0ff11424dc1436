#!/usr/bin/env perl
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use DateTime;
use Encode;
use JSON::XS;
use My::Mod;
use YAML::XS;

print JSON::XS->new->canonical->encode({ v => My::Mod::v(), y => YAML::XS::LoadFile("$FindBin::Bin/conf.yml")->{k} }), "\n";
print DateTime->new(year=>2024,month=>7,day=>1,time_zone=>'Europe/Madrid',locale=>'es')->strftime('%B %Z'), "\n";
print encode('iso-8859-15', "\x{20ac}") eq "\xa4" ? "euro\n" : "no\n";
