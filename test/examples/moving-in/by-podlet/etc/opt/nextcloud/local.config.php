<?php
$CONFIG = array(
  'trusted_domains' => array('cloud.example.net'),
  'overwriteprotocol' => 'https',
);
