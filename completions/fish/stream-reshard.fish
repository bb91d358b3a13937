# fish completion for stream-reshard

complete -c stream-reshard -s h -d 'Print the short help'
complete -c stream-reshard -l help -d 'Print every option'
complete -c stream-reshard -s V -l version -d 'Print the version'
complete -c stream-reshard -s q -l quiet -d 'No warnings'
complete -c stream-reshard -s v -l verbose -d 'Say more on stderr'
complete -c stream-reshard -l timeout -x -d 'How long to wait for another process'

complete -c stream-reshard -l at -x -d 'Split at this hash key'
complete -c stream-reshard -l at-key -x -d 'Split at the hash key of this partition key'
complete -c stream-reshard -l target -x -d 'Split a shard that carries more of its capacity for long'
complete -c stream-reshard -l min -x -d 'Keep at least this many shards open'
complete -c stream-reshard -l max -x -d 'Open no more shards than this'
complete -c stream-reshard -l dry-run -d 'Print the plan and change nothing'
complete -c stream-reshard -l json -d 'Print the plan as a JSON object'

complete -c stream-reshard -f
complete -c stream-reshard -n 'not __fish_seen_subcommand_from split merge scale auto' -f -a 'split merge scale auto'

# The stream, and then its shards.
complete -c stream-reshard -n '__fish_seen_subcommand_from split merge scale auto; and test (count (string match -v -- "-*" (commandline -opc))) -eq 2' -f -a '(__shardlog_streams)'
complete -c stream-reshard -n '__fish_seen_subcommand_from split merge; and test (count (string match -v -- "-*" (commandline -opc))) -gt 2' -f -a '(__shardlog_names open_shard)'
