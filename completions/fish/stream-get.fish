# fish completion for stream-get

complete -c stream-get -s h -d 'Print the short help'
complete -c stream-get -l help -d 'Print every option'
complete -c stream-get -s V -l version -d 'Print the version'
complete -c stream-get -s q -l quiet -d 'No warnings'
complete -c stream-get -s v -l verbose -d 'Say more on stderr'
complete -c stream-get -l timeout -x -d 'How long to wait for another writer'

complete -c stream-get -l shard -x -d 'Only this shard'
complete -c stream-get -l descendants -d 'And the shards that take over from it'
complete -c stream-get -l from -x -a 'trim-horizon latest now' -d 'Where to start'
complete -c stream-get -l until -x -a 'trim-horizon latest now' -d 'Before which to stop'
complete -c stream-get -s n -l count -x -d 'At most so many records'
complete -c stream-get -s f -l follow -d 'Go on with what comes in'
complete -c stream-get -l idle-exit -x -d 'End when nothing came in for so long'
complete -c stream-get -l poll -x -d 'Look at this interval only'
complete -c stream-get -l json -d 'Print an object a line'

# The stream: a directory, or a name below $STREAM_DIR.
complete -c stream-get -f -a '(__fish_complete_directories)'
complete -c stream-get -f -a '(test -n "$STREAM_DIR"; and begin; for stream in $STREAM_DIR/*/stream.db; basename (dirname $stream); end; end)'
