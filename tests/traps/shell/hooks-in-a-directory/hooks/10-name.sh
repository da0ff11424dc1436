#!/bin/sh
echo "I am $(basename "$0")"
