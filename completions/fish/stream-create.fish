# fish completion for stream-create

complete -c stream-create -s h -d 'Print the short help'
complete -c stream-create -l help -d 'Print every option'
complete -c stream-create -s V -l version -d 'Print the version'
complete -c stream-create -s q -l quiet -d 'No warnings'
complete -c stream-create -s v -l verbose -d 'Say more on stderr'
complete -c stream-create -l timeout -x -d 'How long to wait for another process'

complete -c stream-create -s s -l shards -x -d 'How many shards'
complete -c stream-create -l max-record-size -x -d 'The largest record'
complete -c stream-create -l compression -x -a 'none lz4 zstd' -d 'How batches are made smaller'
complete -c stream-create -l retention -x -a 'forever' -d 'How long records are kept'
complete -c stream-create -l tag -x -d 'A note of your own'
complete -c stream-create -l untag -x -d 'Remove a tag'
complete -c stream-create -l group -x -a '(__fish_complete_groups)' -d 'Share the stream with a group of users'
complete -c stream-create -l if-missing -d 'Succeed if the stream exists'
complete -c stream-create -l update -d 'Change settings of a stream that exists'
complete -c stream-create -l repair-clock -d 'Bring arrivals of the future back to now'
complete -c stream-create -l accept-loss -d 'Go on without records that are missing at the end'
complete -c stream-create -l force -d 'On a file system that is not safe, too'
complete -c stream-create -l remove -d 'Delete the stream and all its records'

complete -c stream-create -f -a '(__shardlog_streams)'
