# fish completion for stream-serve

complete -c stream-serve -s h -d 'Print the short help'
complete -c stream-serve -l help -d 'Print every option'
complete -c stream-serve -s V -l version -d 'Print the version'
complete -c stream-serve -s q -l quiet -d 'No warnings'
complete -c stream-serve -s v -l verbose -d 'Say more on stderr'
complete -c stream-serve -l timeout -x -d 'How long to wait for another process'

complete -c stream-serve -l listen -x -a '127.0.0.1:4567 127.0.0.1:0' -d 'Where to listen on this machine'
complete -c stream-serve -l allow-host -x -d 'Answer requests to this name, too'
complete -c stream-serve -l allow-origin -x -d 'Answer web pages from this origin'
complete -c stream-serve -l credentials -r -F -d 'Verify signatures with these access keys'
complete -c stream-serve -l account -x -d 'The account in ARNs'
complete -c stream-serve -l region -x -d 'The region in ARNs'
complete -c stream-serve -l shard-limit -x -d 'How many shards may be open'
complete -c stream-serve -l transition -x -d 'How long streams are shown as CREATING and so on'
complete -c stream-serve -l throttle -d 'Refuse what is over the limits of Kinesis'
complete -c stream-serve -l sync -x -a 'full normal' -d 'What an answer survives'

complete -c stream-serve -f -a '(__fish_complete_directories)'
