# fish completion for stream-put

complete -c stream-put -s h -d 'Print the short help'
complete -c stream-put -l help -d 'Print every option'
complete -c stream-put -s V -l version -d 'Print the version'
complete -c stream-put -s q -l quiet -d 'No warnings'
complete -c stream-put -s v -l verbose -d 'Say more on stderr'
complete -c stream-put -l timeout -x -d 'How long to wait for another writer'

complete -c stream-put -s k -l key -x -d 'This key for all records'
complete -c stream-put -l key-field -x -d 'The key is the Nth field'
complete -c stream-put -s F -l field-separator -x -d 'What stands between fields'
complete -c stream-put -l key-regex -x -d 'The key is what a regular expression matches'
complete -c stream-put -l missing-key -x -a 'error none' -d 'For a record without a key'
complete -c stream-put -l ack -d 'Print shard and sequence number of each record'
complete -c stream-put -l sync -x -a 'full normal' -d 'What a stored record is safe from'
complete -c stream-put -l linger -x -d 'Wait so long to fill a batch'

# The stream: a directory, or a name below $STREAM_DIR.
complete -c stream-put -a '(__fish_complete_directories)'
complete -c stream-put -a '(test -n "$STREAM_DIR"; and begin; for stream in $STREAM_DIR/*/stream.db; basename (dirname $stream); end; end)'
