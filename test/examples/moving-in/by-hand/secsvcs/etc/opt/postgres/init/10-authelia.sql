CREATE ROLE authelia LOGIN;
CREATE DATABASE authelia OWNER authelia;
