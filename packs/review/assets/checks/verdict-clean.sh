#!/bin/sh
# Passes when the round that the iteration $GC_BEAD_ID stands for was approved; the loop goes on otherwise.
exec gc review verdict "$GC_BEAD_ID"
