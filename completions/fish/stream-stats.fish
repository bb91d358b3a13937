# fish completion for stream-stats

complete -c stream-stats -s h -d 'Print the short help'
complete -c stream-stats -l help -d 'Print every option'
complete -c stream-stats -s V -l version -d 'Print the version'
complete -c stream-stats -s q -l quiet -d 'No warnings'
complete -c stream-stats -s v -l verbose -d 'Say more on stderr'
complete -c stream-stats -l timeout -x -d 'How long to wait for another process'

complete -c stream-stats -l json -d 'Print the page as one JSON object'
complete -c stream-stats -l shard-for -x -d 'The shard and hash key of a key'
complete -c stream-stats -l shards -d 'All shards, even if there are many'
complete -c stream-stats -l consumers -d 'Consumers, and how far behind they are'
complete -c stream-stats -s c -l consumer -x -a '(__shardlog_names consumer)' -d 'Who reads which shard for this consumer'
complete -c stream-stats -l producers -d 'How far each producer has come'
complete -c stream-stats -l sizing -d 'How many shards and machines a load needs'
complete -c stream-stats -l for -x -d 'This load instead of the one seen'
complete -c stream-stats -l verify -d 'Read everything and check it'
complete -c stream-stats -l watch -d 'Show it again at an interval'

complete -c stream-stats -f -a '(__shardlog_streams)'
